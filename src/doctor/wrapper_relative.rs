//! S003: `RUSTC_WRAPPER` is a relative path.

use std::path::Path;

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S003",
    name: "relative wrapper",
    why: "the path is resolved from the directory in which cargo runs, so cargo fails in every other one",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Some(value) = env::var_os("RUSTC_WRAPPER") else {
        return Vec::new();
    };
    let path = Path::new(&value);
    if path.is_absolute() || path.components().count() < 2 {
        return Vec::new();
    }
    let absolute = context.start.join(path);
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    let remedy = Remedy::Command(format!(
        "export RUSTC_WRAPPER={}",
        sccfg_util::posix::quote(&absolute.to_string_lossy())
    ));
    let what = format!("RUSTC_WRAPPER is the relative path `{}`", path.display());
    let place = Where::Variable("RUSTC_WRAPPER".to_owned());
    vec![Finding::warning(what, remedy).at(place)]
}
