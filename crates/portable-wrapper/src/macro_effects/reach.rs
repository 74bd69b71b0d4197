//! What a name of a library gives access to.

/// What a path into the standard library, or a function of the C library, gives access to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    /// The variable that its argument names.
    NamedVariable,
    /// These variables.
    Variables(&'static [&'static str]),
    Environment,
    /// Reading files.
    Files,
    /// The current directory, or the path of a source.
    Place,
    /// The canonical paths of files.
    Resolved,
    /// The types of the clock; only some of their functions read it.
    Clock,
    /// What the standard input says, or whether a standard stream is a terminal.
    Streams,
    /// The arguments of the compiler.
    Arguments,
    /// Something that differs each time, or a side effect.
    EachTime,
}
