//! Why a unit gets no portable key, and what runs it instead.

use serde::{Deserialize, Serialize};

/// Why a unit gets no portable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Uncacheable {
    /// `SCCFG_WRAPPER=off`.
    SwitchedOff,
    /// `SCCFG_WRAPPER_LINKS=off`, and the unit is linked.
    LinksSwitchedOff,
    /// `-C incremental`: sccache refuses such units as well.
    Incremental,
    /// There is no sccache on this machine.
    NoSccache,
    /// sccache failed earlier in this build.
    SccacheDisabled,
    /// The compiler below sccache was killed, perhaps together with the server, or that below this process crashed.
    CompilerKilled,
    /// The compile below sccache failed without an error in the source, for example at a limit of
    /// the server's process.
    ServerCompileFailed,
    /// The output of the build script was not found, and a macro reads the environment.
    BuildScriptOutput,
    /// rustc could not list the unit's sources.
    DepInfo,
    /// The compiler or the linker read a file that the key does not have, wrote one that is no output, or the linker ran a program
    /// that was not observed.
    UnknownInput,
    /// Assembler code names a file that cannot be read.
    AssembledFile,
    /// A macro may read the standard streams, and they are not those that cargo gives a compiler.
    StandardStreams,
    /// A macro may read the arguments of the compiler.
    CompilerArguments,
    /// A file of the kernel is included, which may tell of the compiler's process.
    KernelFile,
    /// `RUSTC_LOG`: the compiler tells what it does.
    CompilerLog,

    /// A build script of a package that may change runs a compiler through the wrapper, and nobody sees what that reads.
    ScriptCompiles,
    /// A build script of a package that may change reads the state of the repository.
    ScriptGit,
    /// A build script changed something in the checkout.
    ScriptWritesSources,
    /// It writes somewhere else.
    ScriptWritesElsewhere,
    /// A build script may read the clock.
    ScriptClock,
    /// A build script may connect to another machine.
    ScriptNetwork,
    /// A build script may use random numbers.
    ScriptRandom,
    /// A build script may ask for the user, the machine, or files of the kernel.
    ScriptMachine,
    /// It runs a program that is no compiler or the like.
    ScriptPrograms,
    /// A crate that a build script uses is not known.
    ScriptUnknown,
    /// What a build script wrote cannot be stored.
    ScriptOutput,
    /// cargo ended before a build script did.
    ScriptCutOff,
    /// Something else removed files that it wrote.
    ScriptFilesLost,
    /// Something was written beside the `OUT_DIR` of a build script while it ran.
    ScriptWrites,
    /// A build script ran in a directory that was not empty.
    ScriptLeftovers,
    /// It is not known what a build script asked for: it or a program that it ran was not observed.
    ScriptUnobserved,
    /// A build script printed an error.
    ScriptFailed,
    /// What a build script declared or a variable names cannot be read.
    ScriptDeclared,
    /// A file that a build script may read changed while it ran.
    ScriptInputs,
    /// The machine's programs and headers cannot be listed.
    ScriptTools,

    NoStateDir,
    NoRandomNumbers,
    NoWorkDir,
    NoShim,
    NoCompiler,
    UnknownCompiler,
    UnknownLinker,
    UnknownProcessor,
    UnknownDependency,
    UnreadableDependency,
    UnreadableLibrary,
    UnreadableLinkerFile,
    UnreadableSource,
    LinkerArguments,
    BuildScriptFiles,
    MacroFiles,

    NotUtf8,
    UnusualFlag,
    CustomTarget,
    SeveralSources,
    NoNameOrDirectory,
    UnknownCrateType,
    UnusualEmit,
    NoDepInfo,
    RelativeRpath,
    TemporaryFiles,
    SeparateDebugInfo,
    Profile,
    CompilerWritesMore,
    LinkerWritesMore,
    LinkerRecordsOutput,
}

/// What compiles a unit that gets no portable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// sccache, with the arguments that cargo gave.
    Sccache,
    /// The compiler itself.
    Compiler,
}

impl Uncacheable {
    /// For `sccfg explain`.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::SwitchedOff => "the wrapper is switched off",
            Self::LinksSwitchedOff => "it is linked, and caching of linked outputs is switched off",
            Self::Incremental => "it is compiled incrementally",
            Self::NoSccache => "no sccache was found",
            Self::SccacheDisabled => "sccache failed earlier in this build",
            Self::CompilerKilled => "its compiler was killed",
            Self::ServerCompileFailed => "its compile below sccache's server failed",
            Self::BuildScriptOutput => "the output of its build script was not found",
            Self::DepInfo => "the compiler did not list its sources",
            Self::UnknownInput => {
                "the compiler or the linker reads or writes a file that nothing names, or runs a program that is not observed"
            }
            Self::AssembledFile => "a file that its assembler code includes cannot be read",
            Self::StandardStreams => {
                "a macro in its dependencies may read the standard input or ask for a terminal, and there is one"
            }
            Self::CompilerArguments => {
                "a macro in its dependencies may read the arguments of the compiler"
            }
            Self::KernelFile => "it includes a file of the kernel or a device",
            Self::CompilerLog => "the compiler writes a log (RUSTC_LOG)",
            Self::ScriptCompiles => {
                "it runs a compiler through the wrapper, and what that reads is not known"
            }
            Self::ScriptGit => "it may read the state of the git repository",
            Self::ScriptPrograms => {
                "it runs a program whose result may depend on more than the files that it reads"
            }
            Self::ScriptWritesElsewhere => {
                "it wrote a file outside of its OUT_DIR and of the directory for temporary files"
            }
            Self::ScriptWritesSources => "it wrote a file of the checkout outside of its OUT_DIR",
            Self::ScriptClock => "it may read the clock",
            Self::ScriptNetwork => "it may connect to another machine",
            Self::ScriptRandom => "it may use random numbers",
            Self::ScriptMachine => "it may ask for the user, the machine or files of the kernel",
            Self::ScriptUnknown => "a crate that it uses was not compiled by this wrapper",
            Self::ScriptOutput => "what it wrote cannot be stored",
            Self::ScriptCutOff => "cargo ended before it did",
            Self::ScriptFilesLost => "something else removed files that it wrote to its OUT_DIR",
            Self::ScriptWrites => {
                "a file of the target directory outside of its OUT_DIR was written while it ran"
            }
            Self::ScriptLeftovers => "it ran again in a directory that was not empty",
            Self::ScriptUnobserved => "it, or a program that it ran, could not be observed",
            Self::ScriptFailed => "it printed an error",
            Self::ScriptDeclared => {
                "a file that it declared, or that a variable names, cannot be read or is too large"
            }
            Self::ScriptInputs => "a file that it may read changed while it ran",
            Self::ScriptTools => "the programs and headers of this machine could not be listed",
            Self::NoStateDir => "the wrapper's state directory is not known",
            Self::NoRandomNumbers => "the system gave no random numbers",
            Self::NoWorkDir => "no work directory could be created in its output directory",
            Self::NoShim => "the compiler shim could not be created",
            Self::NoCompiler => "no compiler was given",
            Self::UnknownCompiler => "the compiler could not be identified",
            Self::UnknownLinker => "the linker could not be identified",
            Self::UnknownProcessor => "the processor could not be identified",
            Self::UnknownDependency => "a dependency was not compiled by this wrapper",
            Self::UnreadableDependency => "a dependency cannot be read",
            Self::UnreadableLibrary => "a native library cannot be read",
            Self::UnreadableLinkerFile => "a file that the linker reads cannot be read",
            Self::UnreadableSource => "a source file cannot be read",
            Self::LinkerArguments => "the linker's arguments cannot be read",
            Self::BuildScriptFiles => "files of its build script cannot be read",
            Self::MacroFiles => "files that its macros may read cannot be read",
            Self::NotUtf8 => "an argument is not valid UTF-8",
            Self::UnusualFlag => "it is compiled with -o, --sysroot or --env-set",
            Self::CustomTarget => "its target is described by a JSON file",
            Self::SeveralSources => "it has several source files",
            Self::NoNameOrDirectory => "it has no crate name or no output directory",
            Self::UnknownCrateType => "its crate type is not known",
            Self::UnusualEmit => "its --emit is not supported",
            Self::NoDepInfo => "it emits no dep-info",
            Self::RelativeRpath => "its rpath depends on the output directory",
            Self::TemporaryFiles => "temporary files are kept (-C save-temps)",
            Self::SeparateDebugInfo => "debug information is written to separate files",
            Self::Profile => "it is compiled with a profile (-C profile-use)",
            Self::CompilerWritesMore => "a flag has the compiler write additional files",
            Self::LinkerWritesMore => "the linker writes additional files",
            Self::LinkerRecordsOutput => "the linker records the path of its output",
        }
    }

    /// The same, with the file because of which there is no key.
    pub(super) fn describe_with(self, unknown_input: Option<&str>) -> String {
        match unknown_input {
            Some(file) => format!("{}: {file}", self.describe()),
            None => self.describe().to_owned(),
        }
    }

    /// What can be done about it.
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Incremental => {
                Some("set CARGO_INCREMENTAL=0, or incremental = \"off\" in sccfg.toml")
            }
            Self::UnknownInput => {
                Some("a file that the linker reads may be named in `cargo::rustc-link-arg`")
            }
            _ => None,
        }
    }

    pub(super) fn fallback(self) -> Fallback {
        match self {
            Self::SwitchedOff
            | Self::LinksSwitchedOff
            | Self::Incremental
            | Self::NoSccache
            | Self::SccacheDisabled
            | Self::CompilerKilled
            | Self::ServerCompileFailed
            | Self::BuildScriptOutput
            | Self::DepInfo
            | Self::UnknownInput
            | Self::AssembledFile
            | Self::StandardStreams
            | Self::CompilerArguments
            | Self::KernelFile
            | Self::CompilerLog
            // sccache does not cache these either.
            | Self::NotUtf8
            | Self::UnusualFlag
            | Self::SeveralSources
            | Self::NoNameOrDirectory
            | Self::UnknownCrateType
            | Self::UnusualEmit
            | Self::NoDepInfo
            // It would not store the separate files.
            | Self::CompilerWritesMore
            | Self::TemporaryFiles
            | Self::SeparateDebugInfo => Fallback::Compiler,
            _ => Fallback::Sccache,
        }
    }
}
