//! Why a unit gets no portable key, and what runs it instead.

use serde::{Deserialize, Serialize};

/// Why a unit gets no portable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Uncacheable {
    /// `SCCFG_WRAPPER=off`.
    SwitchedOff,
    /// `SCCFG_WRAPPER_LINKS=off`, and the unit is linked.
    LinksSwitchedOff,
    /// `-C incremental`: sccache does not cache such units either.
    Incremental,
    /// A program in front of the compiler (`RUSTC_WORKSPACE_WRAPPER`) may change what it does.
    WorkspaceWrapper,
    /// No sccache was found: neither `SCCFG_SCCACHE` nor `PATH` leads to one.
    NoSccache,
    /// sccache failed earlier in this build.
    SccacheDisabled,
    /// The compiler was killed below sccache's server, perhaps together with the server, or crashed as a child of this process.
    CompilerKilled,
    /// The compile below sccache failed without an error in the source, for example at a limit of
    /// the server's process.
    ServerCompileFailed,
    /// The printed output of the build script was not found, and a macro may read any variable.
    BuildScriptOutput,
    /// rustc could not list the unit's sources.
    DepInfo,
    /// The compiler or the linker read a file that is not in the key, or wrote a file that is not an output, or the linker ran
    /// a program that was not observed.
    UnknownInput,
    /// Assembler code includes a file that cannot be read.
    AssembledFile,
    /// A macro may use the standard streams, and these are not the ones that cargo gives a compiler.
    StandardStreams,
    /// A macro may read the arguments of the compiler.
    CompilerArguments,
    /// A source is in `/dev`, `/proc` or `/sys`: its content may depend on the compiler's process.
    KernelFile,
    /// The compiler prints a log (`RUSTC_LOG`), how long it takes, or the source in another form instead of compiling it.
    CompilerPrints,

    /// The build script of a package that may change runs a compiler through the wrapper, which does not note what this
    /// compiler reads.
    ScriptCompiles,
    /// The build script of a package that may change reads the state of the git repository.
    ScriptGit,
    /// A build script changed a file of the checkout outside of its `OUT_DIR`.
    ScriptWritesSources,
    /// A build script wrote outside of its `OUT_DIR`, the directory for temporary files and the checkout.
    ScriptWritesElsewhere,
    /// A build script may read the clock.
    ScriptClock,
    /// A build script may read times, inode numbers or link counts of files.
    ScriptFileTimes,
    /// A build script uses a crate that may read the times of files, random numbers or the processor's clock, which cannot be
    /// observed.
    ScriptCrate,
    /// A build script may connect to another machine.
    ScriptNetwork,
    /// A build script may use random numbers.
    ScriptRandom,
    /// A build script may read the user, the machine, its process, or a file in `/dev`, `/proc`, `/run` or `/sys`.
    ScriptMachine,
    /// A build script runs a program that is not a compiler or a similar tool.
    ScriptPrograms,
    /// The code of a crate that a build script uses is not known, or was not compiled by this wrapper.
    ScriptUnknown,
    /// The output of a build script cannot be stored.
    ScriptOutput,
    /// cargo exited before a build script.
    ScriptCutOff,
    /// Another process removed files that a build script wrote to its `OUT_DIR`.
    ScriptFilesLost,
    /// A file in the target directory was written outside of the `OUT_DIR` of a build script while it ran.
    ScriptWrites,
    /// The `OUT_DIR` of a build script was not empty when it started.
    ScriptLeftovers,
    /// A build script, or a program that it ran, was not observed, so its inputs are not known.
    ScriptUnobserved,
    /// A build script may run a program that prints all variables, including those of the observer.
    ScriptPrintsVariables,
    /// Another library is preloaded, so a build script cannot be observed.
    ScriptPreload,
    /// A build script cannot be observed because of flags for sanitizers.
    ScriptSanitizer,
    /// A build script printed an error.
    ScriptFailed,
    /// A file that a build script declared, or that a variable names, cannot be read.
    ScriptDeclared,
    /// A file that a build script may read changed while it ran.
    ScriptInputs,
    /// The machine's programs and headers cannot be listed.
    ScriptTools,

    NoStateDir,
    NoRandomNumbers,
    NoWorkDir,
    CompileFiles,
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

/// The program that compiles a unit without a portable key.
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
            Self::WorkspaceWrapper => {
                "RUSTC_WORKSPACE_WRAPPER runs the compiler, and what it changes is not known"
            }
            Self::NoSccache => "no sccache was found",
            Self::SccacheDisabled => "sccache failed earlier in this build",
            Self::CompilerKilled => "its compiler was killed",
            Self::ServerCompileFailed => {
                "the compiler that sccache's server started failed, without an error in the source"
            }
            Self::BuildScriptOutput => "the output of its build script was not found",
            Self::DepInfo => "the compiler did not list its sources",
            Self::UnknownInput => {
                "the compiler or the linker read a file that is not in the key, wrote a file that is not an output, or ran a program that was not observed"
            }
            Self::AssembledFile => "a file that its assembler code includes cannot be read",
            Self::StandardStreams => {
                "a macro in its dependencies may use the standard streams, and these are not the ones that cargo gives a compiler"
            }
            Self::CompilerArguments => {
                "a macro in its dependencies may read the arguments of the compiler"
            }
            Self::KernelFile => "it includes a file in /dev, /proc or /sys",
            Self::CompilerPrints => "RUSTC_LOG or -Z has the compiler print more than messages",
            Self::ScriptCompiles => {
                "it runs a compiler through the wrapper, and it is not known which files that compiler reads"
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
            Self::ScriptFileTimes => "it may read times, inode numbers or link counts of files",
            Self::ScriptCrate => "a crate that it uses may return another value each time",
            Self::ScriptNetwork => "it may connect to another machine",
            Self::ScriptRandom => "it may use random numbers",
            Self::ScriptMachine => {
                "it may depend on the user, the machine, its process, or a file in /dev, /proc, /run or /sys"
            }
            Self::ScriptUnknown => "the code of a crate that it uses is not known",
            Self::ScriptOutput => "its output cannot be stored",
            Self::ScriptCutOff => "cargo exited before it",
            Self::ScriptFilesLost => "something else removed files that it wrote to its OUT_DIR",
            Self::ScriptWrites => {
                "a file in the target directory was written outside of its OUT_DIR while it ran"
            }
            Self::ScriptLeftovers => "its OUT_DIR was not empty when it started",
            Self::ScriptUnobserved => "it, or a program that it ran, could not be observed",
            Self::ScriptPrintsVariables => {
                "its source contains `env`, `printenv`, `export` or `set` as a string, so it may run a program that prints all variables, and is not observed"
            }
            Self::ScriptPreload => "LD_PRELOAD is set, so it cannot be observed",
            Self::ScriptSanitizer => "flags for a sanitizer are set, so it cannot be observed",
            Self::ScriptFailed => "it printed an error",
            Self::ScriptDeclared => {
                "a file that it declared, or that a variable names, cannot be read or is too large"
            }
            Self::ScriptInputs => "a file that it may read changed while it ran",
            Self::ScriptTools => "the programs and headers of this machine could not be listed",
            Self::NoStateDir => "the wrapper's state directory is not known",
            Self::NoRandomNumbers => "the system returned no random numbers",
            Self::NoWorkDir => "no work directory could be created in its output directory",
            Self::CompileFiles => "files of its compile cannot be read or written",
            Self::NoShim => "the compiler shim could not be created",
            Self::NoCompiler => "the command line names no compiler",
            Self::UnknownCompiler => "the compiler could not be identified",
            Self::UnknownLinker => "the linker could not be identified",
            Self::UnknownProcessor => "the processor could not be identified",
            Self::UnknownDependency => "a dependency, or one below it, is not cached",
            Self::UnreadableDependency => "a dependency cannot be read",
            Self::UnreadableLibrary => "a native library cannot be read",
            Self::UnreadableLinkerFile => "an input file of the linker cannot be read",
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
            Self::SeparateDebugInfo => "paths in separate debug information cannot be replaced",
            Self::Profile => "it is compiled with a profile (-C profile-use)",
            Self::CompilerWritesMore => "a flag has the compiler write additional files",
            Self::LinkerWritesMore => "the linker writes additional files",
            Self::LinkerRecordsOutput => "the linker records the path of its output",
        }
    }

    /// As [`Self::describe`], followed by what is not in the key: the path of a file, or the crate of a build script or macro.
    pub(super) fn describe_with(self, unknown_input: Option<&str>) -> String {
        match unknown_input {
            Some(what) => format!("{}: {what}", self.describe()),
            None => self.describe().to_owned(),
        }
    }

    /// What the user can do about it.
    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Incremental => {
                Some("set CARGO_INCREMENTAL=0, or incremental = \"off\" in sccfg.toml")
            }
            Self::WorkspaceWrapper => Some(
                "unset RUSTC_WORKSPACE_WRAPPER, or build.rustc-workspace-wrapper in cargo's configuration, for builds that do not need it",
            ),
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
            | Self::WorkspaceWrapper
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
            | Self::CompilerPrints
            // sccache does not cache these either.
            | Self::NotUtf8
            | Self::UnusualFlag
            | Self::SeveralSources
            | Self::NoNameOrDirectory
            | Self::UnknownCrateType
            | Self::UnusualEmit
            | Self::NoDepInfo
            // sccache does not know each kind of profile.
            | Self::Profile
            // sccache would not store the separate files.
            | Self::CompilerWritesMore
            | Self::TemporaryFiles
            | Self::SeparateDebugInfo => Fallback::Compiler,
            _ => Fallback::Sccache,
        }
    }
}
