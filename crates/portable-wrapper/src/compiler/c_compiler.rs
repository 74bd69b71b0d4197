//! The identity of C and C++ compilers.

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ask;
use crate::cached_digest::CachedDigest;
use crate::state_dir::{FORMAT, StateDir};
use sccfg_util::env;
use sccfg_util::programs::find_program;

/// The identity of a C compiler.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct CCompiler {
    files: CachedDigest,
    version: String,
}

/// The digest of a C or C++ compiler: the program, the programs that it runs, and its version. `None` if it is
/// neither gcc nor clang.
pub(crate) fn c_compiler(program: &Path, is_cpp: bool, state: &StateDir) -> Option<String> {
    let search_path = env::search_path();
    let assembler = find_program(OsStr::new("as"), &search_path);
    // clang's behaviour depends on the name by which it is called: clang++ compiles C as C++.
    let subject = format!(
        "{FORMAT} C {} {} {is_cpp} {assembler:?}",
        program.display(),
        program.canonicalize().ok()?.display()
    );
    let is_valid = |known: &CCompiler| known.files.is_valid();
    let may_be_saved = |found: &CCompiler| found.files.is_settled;
    let known = state.load_or_compute("compilers", &subject, is_valid, may_be_saved, || {
        let runs = [if is_cpp { "cc1plus" } else { "cc1" }, "as"];
        let programs = runs.iter().filter_map(|name| {
            let printed = ask(program, &[&format!("-print-prog-name={name}")])?;
            find_program(OsStr::new(printed.trim_end()), &search_path)
        });
        Some(CCompiler {
            files: CachedDigest::new(
                [program.to_owned()]
                    .into_iter()
                    .chain(programs)
                    .chain(assembler),
            ),
            version: ask(program, &["--version"])?,
        })
    })?;
    let is_known = ["Free Software Foundation", "clang version"];
    let is_known = is_known.iter().any(|words| known.version.contains(words));
    is_known.then(|| format!("{} {}", known.files.digest, known.version))
}
