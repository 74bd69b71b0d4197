//! S001: sccache, or the program that `RUSTC_WRAPPER` names, cannot be run.

use std::ffi::OsStr;
use std::path::Path;

use super::context::Context;
use super::store_path_gone::is_gone;
use super::{Check, Finding, Remedy, Where};
use portable_wrapper::install::InstalledWrapper;
use sccache_control::server::program::NotExecutable;
use sccfg_util::env;
use sccfg_util::programs::{find_program, is_wrapper};

pub(super) static CHECK: Check = Check {
    code: "S001",
    name: "sccache is missing",
    why: "cargo fails if it cannot run its wrapper, and without sccache nothing is cached",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let wrapper = env::var_os("RUSTC_WRAPPER").filter(|wrapper| !wrapper.is_empty());
    if let Some(missing) = wrapper.as_deref().and_then(missing_portable_wrapper) {
        return vec![missing];
    }
    let Err(NotExecutable(name)) = context.session.client() else {
        return Vec::new();
    };
    // S054 reports this in more detail.
    if is_gone(Path::new(name)) {
        return Vec::new();
    }
    let what = format!("`{}` cannot be run", name.to_string_lossy());
    let is_managed = context.policy().is_some() && !context.is_dev_shell;
    let remedy = if is_managed {
        Remedy::Command(context.repository.enter_command().to_owned())
    } else {
        Remedy::Words("add sccache to PATH, or unset RUSTC_WRAPPER to build without it".to_owned())
    };
    match wrapper {
        Some(wrapper) if wrapper == *name => {
            let place = Where::Variable("RUSTC_WRAPPER".to_owned());
            vec![Finding::error(what, remedy).at(place)]
        }
        _ => vec![Finding::warning(what, remedy).at(Where::Variable("PATH".to_owned()))],
    }
}

/// sccache may be found although the portable wrapper, which cargo runs, no longer exists.
fn missing_portable_wrapper(named: &OsStr) -> Option<Finding> {
    let path = Path::new(named);
    if !is_wrapper(path) || is_gone(path) || find_program(named, &env::search_path()).is_some() {
        return None;
    }
    let is_own = InstalledWrapper::find().is_ok_and(|wrapper| wrapper.path == path);
    let remedy = if is_own {
        Remedy::Command("sccfg wrapper install".to_owned())
    } else {
        Remedy::Words("leave the shell and enter it again".to_owned())
    };
    let what = format!("the portable wrapper `{}` cannot be run", path.display());
    Some(Finding::error(what, remedy).at(Where::Variable("RUSTC_WRAPPER".to_owned())))
}
