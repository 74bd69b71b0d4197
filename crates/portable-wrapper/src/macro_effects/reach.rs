//! The effect to which a name of a library gives access.

/// The effect of a path into the standard library, or of a function of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    /// The variable that its argument names.
    NamedVariable,
    /// These variables.
    Variables(&'static [&'static str]),
    Environment,
    /// Capturing a backtrace if variables ask for it.
    Backtrace,
    /// Reading files.
    Files,
    /// The current directory, or the path of a source.
    Location,
    /// The canonical paths of files.
    CanonicalPaths,
    /// Types of the clock. Only some of their functions read it.
    Clock,
    /// Standard input, or whether a standard stream is a terminal.
    Streams,
    /// The arguments of the compiler.
    Arguments,
    /// A result that differs each time, or a side effect.
    Volatile,
}
