//! S039 and S062: the wrapper of the user's configuration of cargo cannot be run, or lines of sccfg in a user's file are damaged.

use std::ffi::OsStr;
use std::path::Path;

use super::files::{CargoFile, Files};
use super::store_path_gone::is_gone;
use super::{Check, Finding, Fix, Remedy, Severity, Where, as_problem};
use crate::cargo_config::{string_in, user_wrapper};
use crate::config_file::ConfigFile;
use crate::dist::without_client;
use crate::plan::UserWrapper;
use sccfg_util::env;
use sccfg_util::programs::find_program;

pub(super) static CHECK: Check = Check {
    code: "S039",
    name: "wrapper of the user is missing",
    why: "cargo fails in every project whose shell sets no RUSTC_WRAPPER",
    find: |context| find(context),
};

pub(super) static REGION: Check = Check {
    code: "S062",
    name: "damaged lines of sccfg in a user's config file",
    why: "`sccfg cargo --user --remove` or `sccfg dist client --remove` cannot restore the file",
    find: |context| find_damage(context, context.config.as_ref().ok()),
};

/// The damaged lines in the user's files of cargo, and in `config`, the file of sccache.
pub(super) fn find_damage(files: &Files, config: Option<&ConfigFile>) -> Vec<Finding> {
    let users = files.cargo_files.iter().filter(|file| file.is_users);
    let problem = |file: &CargoFile| user_wrapper::without(&file.text, &file.shown).err();
    let client = config.and_then(|file| without_client(file.text_or_empty(), &file.path).err());
    users
        .filter_map(problem)
        .chain(client)
        .map(|problem| Finding::of_problem(Severity::Warning, problem))
        .collect()
}

pub(super) fn find(files: &Files) -> Vec<Finding> {
    let users = files.cargo_files.iter().filter(|file| file.is_users);
    users
        .filter_map(|file| {
            let keys = ["build", "rustc-wrapper"];
            let (program, place) = string_in(&file.text, &file.shown, &keys)?;
            let is_there = find_program(OsStr::new(&program), &env::search_path()).is_some();
            // S054 reports a path of the Nix store.
            if program.is_empty() || is_there || is_gone(Path::new(&program)) {
                return None;
            }
            let is_ours = user_wrapper::written(&file.text, &file.path) == Some(program.clone());
            let what = format!("`build.rustc-wrapper` is {program}, which cannot be run");
            let finding = if is_ours {
                let remedy = Remedy::Command("sccfg cargo --user".to_owned());
                let fix = Fix::new(format!("write {program} again"), || {
                    let wrapper = UserWrapper::find().map_err(as_problem)?;
                    wrapper.install().map(drop)
                });
                Finding::error(what, remedy).fixed_by(fix)
            } else {
                let remedy =
                    "remove the line, or let `sccfg cargo --user` write one that always works";
                Finding::error(what, Remedy::Words(remedy.to_owned()))
            };
            Some(finding.at(Where::File(place)))
        })
        .collect()
}
