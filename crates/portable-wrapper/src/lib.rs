//! Portable keys: unmodified sccache, wrapped from both sides, so that a unit has the same key in
//! every checkout.
//!
//! The binary acts by the name it is called under: as `sccache` it is the [`front`], as `rustc` the
//! [`shim`].

mod args;
mod binary;
mod build_dir;
mod call;
mod compiler;
mod dep_info;
mod digest;
pub mod explain;
pub mod front;
mod inputs;
pub mod install;
pub mod lookup;
mod macro_effects;
mod objects;
mod package;
mod places;
mod record;
mod sccache;
pub mod shim;
mod stamped;
pub mod state;
mod twin;

use std::path::Path;
use std::process::ExitCode;

use sccfg_util::env;

/// Acts as one of the two ends, if this process was called under the name of one.
pub fn act() -> Option<ExitCode> {
    let name = env::called_as()?;
    let stem = Path::new(&name).file_stem()?.to_str()?;
    match stem {
        "sccache" => Some(front::run(&env::arguments())),
        "rustc" => Some(shim::run(Path::new(&name), &env::arguments())),
        _ => None,
    }
}
