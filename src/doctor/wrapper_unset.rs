//! S004: the dev shell has no `RUSTC_WRAPPER`, though the repository has a policy.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::cargo_config::sets_wrapper;
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S004",
    name: "no wrapper in the dev shell",
    why: "cargo runs rustc directly, so nothing is cached",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    // An empty value is intentional, and so is a wrapper in cargo's configuration.
    let is_set = env::var_os("RUSTC_WRAPPER").is_some()
        || context
            .cargo_files
            .iter()
            .any(|file| sets_wrapper(&file.text));
    if is_set || !context.is_dev_shell || context.policy().is_none() {
        return Vec::new();
    }
    let what = "RUSTC_WRAPPER is not set in this dev shell: it is not a managed one, or it was entered \
                before `sccfg init`";
    let remedy = Remedy::Words(format!(
        "leave the shell and enter it again with `{}`; `sccfg apply --check` tells whether \
         the files are up to date",
        context.repository.enter_command()
    ));
    let place = Where::Variable("RUSTC_WRAPPER".to_owned());
    vec![Finding::warning(what, remedy).at(place)]
}
