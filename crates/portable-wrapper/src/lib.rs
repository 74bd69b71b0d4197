//! Portable keys: unmodified sccache, wrapped from both sides, so that a unit has the same key in every checkout. The behaviour
//! of the binary depends on the name by which it is called: as `sccache` it is the `rustc_wrapper`, as `rustc` the `shim`.

mod args;
mod binary;
mod build_dir;
mod build_script;
pub mod builds;
mod cache_entry;
mod cached_digest;
mod cc;
mod ccache;
mod compile;
mod compiler;
mod compiler_requests;
mod crate_hash;
mod debug_info;
mod dep_info;
mod dependency_sources;
mod diagnostics;
mod differential;
mod digest;
mod entry_origin;
mod expansion_diff;
pub mod explain;
pub mod install;
mod interface;
mod known_inputs;
mod located_libraries;
mod lookup;
mod macro_effects;
mod native_library;
mod native_strings;
mod observation;
mod observed_inputs;
mod package;
mod path_leak;
mod path_map;
mod plain_value;
mod protocol;
mod read_files;
mod relocate;
mod rustc_wrapper;
mod sccache;
pub mod seed;
mod shim;
pub mod state_dir;
mod storage;
pub mod store;
mod system_directories;
pub mod toolchain;
mod toolchain_files;
mod uncacheable;
mod uncached;
mod unit_key;
mod unit_manifest;
mod windows;
mod work_dir;

pub use self::build_dir::LOCKS as CARGO_LOCKS;
pub use self::build_script::{Stamp, stamp};
pub use self::differential::Verified;
pub use self::rustc_wrapper::is_compiler;
pub use self::sccache::find_sccache;
pub use self::work_dir::left_behind;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use sccfg_util::env;

/// Acts as the wrapper or the shim, if this process was called by the name of one. `before` is called first, with the arguments
/// of the wrapper.
pub fn act(before: impl FnOnce(&[OsString])) -> Option<ExitCode> {
    let name = env::argv0()?;
    let stem = Path::new(&name).file_stem()?.to_str()?;
    let arguments = env::arguments();
    match stem {
        "sccache" => {
            before(&arguments);
            Some(rustc_wrapper::run(&arguments))
        }
        "rustc" => Some(shim::run(Path::new(&name), &arguments)),
        _ => None,
    }
}
