//! What the front tells the shim, past sccache: a file that a variable names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::without;
use super::cache_entry::Text;
use super::path_map::{DEBUG_REMAP, PathMap, REMAP, escaped, replace_all};
use sccfg_util::{env, fsio};

/// The variable that names the file of a call.
pub(super) const VARIABLE: &str = "SCCFG_CALL";
/// In front of the name of a variable that sccache would put into its key.
pub(super) const KEPT: &str = "SCCFG_KEPT_";
/// What marks a unit of ours among sccache's arguments, with the key.
pub(super) const MARK: &str = "sccfg=";

/// A compile to be done if sccache does not have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileRequest {
    /// What is compiled.
    pub(super) language: Language,
    /// The key.
    pub(super) key: String,
    /// The compiler.
    pub(super) program: PathBuf,
    /// All of its arguments; for C without the file that is written.
    pub(super) args: Vec<String>,
    /// Where it runs.
    pub(super) directory: PathBuf,
    /// Where cargo wants the files.
    pub(super) out_dir: PathBuf,
    /// Where they are made, or put by sccache. Nobody else writes there: a compiler that is left
    /// behind by a build that was stopped does not get in the way of the next.
    pub(super) work: PathBuf,
    /// The names of the files, without the record's.
    pub(super) outputs: Vec<String>,
    /// The name of the record.
    pub(super) record: String,
    /// The name of the dep-info.
    pub(super) dep_info: String,
    /// The directories that nothing may speak of.
    pub(super) path_map: PathMap,
    /// How to compile.
    pub(super) remap: Remap,
    /// Whether the linker runs.
    pub(super) is_linked: bool,
    /// The variables that speak of a place and may be used otherwise than to find a file.
    pub(super) used: Vec<String>,
    /// Whether a macro may ask where it is.
    pub(super) asks_place: bool,
    /// Whether something may be made of the path of the registries' directory.
    pub(super) uses_home: bool,
    /// The sources that the key saw: path, digest.
    pub(super) sources: Vec<(PathBuf, String)>,
}

/// What is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Language {
    /// Rust.
    Rust,
    /// C, C++ or assembler.
    C,
}

/// How to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Remap {
    /// With stand-ins; what speaks of its place all the same is held back.
    All,
    /// With stand-ins where debug information is; the key has the place.
    KeyedByPath,
    /// As cargo asked, without any stand-in; the key has the place.
    None,
}

/// What became of a compile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CompileResult {
    /// Its exit status.
    pub(super) status: i32,
    /// What it wrote to standard output, where it failed.
    pub(super) stdout: Text,
    /// What it wrote to standard error, where it failed.
    pub(super) stderr: Text,
    /// Whether a source was written while it was compiled: what came out is good, but not of this
    /// key.
    pub(super) is_stale: bool,
}

impl CompileRequest {
    /// The file of the call.
    pub(super) fn path(&self) -> PathBuf {
        self.work.join("request")
    }

    fn done_path(&self) -> PathBuf {
        self.work.join("done")
    }

    /// Where a compile of it is locked: a client that has lost its server runs the shim itself,
    /// while the one that the server started may still compile.
    pub(super) fn lock(&self) -> PathBuf {
        self.work.join("lock")
    }

    /// Where files are that were held back.
    pub(super) fn held(&self) -> PathBuf {
        self.work.join("held")
    }

    /// Writes it for the shim.
    pub(super) fn write(&self) -> std::io::Result<()> {
        let _ = fsio::remove_file(&self.done_path());
        let _ = fsio::remove_file(&self.work.join(&self.record));
        fsio::replace(&self.path(), &serde_json::to_vec(self)?)
    }

    /// The one of this process' environment.
    pub(super) fn from_environment() -> Option<Self> {
        let path = PathBuf::from(env::var_os(VARIABLE)?);
        serde_json::from_slice(&fsio::read_bytes(Path::new(&path))?).ok()
    }

    /// Says what became of it.
    pub(super) fn say(&self, done: &CompileResult) -> std::io::Result<()> {
        fsio::replace(&self.done_path(), &serde_json::to_vec(done)?)
    }

    /// What the shim said, if it ran.
    pub(super) fn done(&self) -> Option<CompileResult> {
        serde_json::from_slice(&fsio::read_bytes(self.done_path())?).ok()
    }

    /// The arguments, with another directory for what is written.
    pub(super) fn args_for(&self, directory: &Path) -> Vec<OsString> {
        match self.language {
            Language::Rust => {
                let mut args = without(&self.args, &["--out-dir"]);
                args.extend(["--out-dir".into(), directory.into()]);
                args
            }
            Language::C => {
                let files = self.outputs.iter().map(|name| directory.join(name));
                let mut args: Vec<OsString> = self.args.iter().map(OsString::from).collect();
                args.extend(files.flat_map(|file| ["-o".into(), file.into()]));
                args
            }
        }
    }

    /// What the compiler is told, so that nothing it writes speaks of the places.
    pub(super) fn remaps(&self) -> Vec<OsString> {
        let flag = match self.language {
            Language::Rust => REMAP,
            Language::C => DEBUG_REMAP,
        };
        let remaps = self.path_map.remaps(flag, |_| true);
        remaps.into_iter().map(OsString::from).collect()
    }

    /// `said`, with the directory that cargo named in place of the one where the files were made.
    pub(super) fn as_asked(&self, said: &[u8]) -> Vec<u8> {
        let (work, out_dir) = (self.work.to_string_lossy(), self.out_dir.to_string_lossy());
        let escaped = replace_all(
            said,
            escaped(&work).as_bytes(),
            escaped(&out_dir).as_bytes(),
        );
        replace_all(&escaped, work.as_bytes(), out_dir.as_bytes())
    }
}

/// The changes that hide variables from sccache.
pub(super) fn hide_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = Vec::new();
    for (name, value) in env::vars_where(|name| name.starts_with("CARGO_")) {
        let mut kept = OsString::from(KEPT);
        kept.push(&name);
        // Of cargo's own job server nothing is open in the process that compiles.
        if name != "CARGO_MAKEFLAGS" {
            changes.push((kept, Some(value)));
        }
        changes.push((name, None));
    }
    changes
}

/// The changes that undo [`hide_cargo_variables`].
pub(super) fn restore_cargo_variables() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = vec![(OsString::from(VARIABLE), None)];
    for (name, value) in env::vars_where(|name| name.starts_with(KEPT)) {
        let Some(shown) = name.to_str().and_then(|name| name.strip_prefix(KEPT)) else {
            continue;
        };
        changes.push((shown.into(), Some(value)));
        changes.push((name, None));
    }
    changes
}
