//! S055: the config file is not the one of home-manager's current generation.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use sccfg_util::{env, fsio};

pub(super) static CHECK: Check = Check {
    code: "S055",
    name: "config file of another generation",
    why: "sccache follows a file that home-manager no longer manages, so changes of the configuration have no effect",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let Ok(config) = &context.config else {
        return Vec::new();
    };
    find_in(&config.path).into_iter().collect()
}

fn find_in(path: &Path) -> Option<Finding> {
    let home = env::home_dir()?;
    let relative = path.strip_prefix(&home).ok()?;
    let files = generations(&home).find_map(|link| {
        let files = link.canonicalize().ok()?.join("home-files");
        files.is_dir().then_some(files)
    })?;
    let expected = files.join(relative).canonicalize().ok();
    let actual = path.canonicalize().ok();
    let is_managed = fsio::link_target(path)
        .is_some_and(|target| target.to_string_lossy().contains("home-manager-files"));
    let what = match (&expected, &actual) {
        (Some(expected), Some(actual)) if expected != actual => format!(
            "home-manager's current generation has {}, and this file is another one",
            expected.display()
        ),
        (Some(_), None) => {
            "home-manager's current generation has this file, and it does not exist".to_owned()
        }
        (None, Some(_)) if is_managed => {
            "this file belongs to a generation of home-manager that is not the current one"
                .to_owned()
        }
        _ => return None,
    };
    let remedy = Remedy::Command("home-manager switch".to_owned());
    Some(Finding::warning(what, remedy).at(Where::Path(path.to_owned())))
}

/// Where home-manager links to the current generation, the newest place first.
fn generations(home: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.filter(|state| state.is_absolute());
    let state = state.unwrap_or_else(|| home.join(".local/state"));
    let user = env::var("USER").unwrap_or_default();
    [
        state.join("home-manager/gcroots/current-home"),
        PathBuf::from(format!("/nix/var/nix/gcroots/per-user/{user}/current-home")),
    ]
    .into_iter()
}
