//! The problems of one repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Audited;
use super::settings::{self, INCREMENTAL, WRAPPER, WRAPPER_KEY};
use crate::doctor::{self, Finding, Remedy, WRAPPER_TWICE, Where, examine_files};
use sccache_control::config::toml;
use sccfg_util::fsio;

/// Adds the findings of `doctor`'s checks of files, and the problems of a repository without a policy.
pub(super) fn run<'a>(audited: &mut Audited, allowed: &dyn Fn() -> &'a BTreeSet<PathBuf>) {
    let found = examine_files(&audited.files, audited.uses_sccache(), allowed);
    audited.found.extend(found);
    if audited.policy().is_none() && audited.uses_sccache() {
        let incremental = incremental(audited);
        audited.add(&doctor::INCREMENTAL, incremental);
    }
    let twice = wrapper_twice(audited);
    audited.add(&WRAPPER_TWICE, twice);
}

/// How a repository without a policy prevents caching although its shell uses sccache.
fn incremental(audited: &Audited) -> Option<Finding> {
    let wrapper = settings::wrapper(&audited.own)?;
    let remedy = Remedy::Command("sccfg init".to_owned());
    if let Some(set) = settings::named(&audited.own, INCREMENTAL) {
        let is_on = settings::plain(&set.value) == Some("1");
        let what = "sccache refuses every compilation with CARGO_INCREMENTAL=1";
        let place = Where::File(set.place.clone());
        return is_on.then(|| Finding::error(what, remedy).at(place));
    }
    if is_switched_off(audited) {
        return None;
    }
    let what = "builds use sccache, but they are incremental: no crate of the workspace is cached";
    Some(Finding::warning(what, remedy).at(Where::File(wrapper.place.clone())))
}

/// Whether a file may disable incremental compilation. Only names are searched, because values may be computed.
fn is_switched_off(audited: &Audited) -> bool {
    let files = &audited.files;
    let texts = files.shell_files().iter().map(|file| &file.text);
    let mut texts = texts.chain(files.cargo_files.iter().map(|file| &file.text));
    if texts.any(|text| text.contains(INCREMENTAL)) {
        return true;
    }
    let path = Path::new("Cargo.toml");
    let manifest = files.repository.path(path);
    let manifest = fsio::read_text(manifest).map(|text| (path, text));
    let configs = files.cargo_files.iter();
    let configs = configs.map(|file| (file.path.as_path(), file.text.clone()));
    configs.chain(manifest).any(|(path, text)| {
        [
            &["build", "incremental"][..],
            &["profile", "dev", "incremental"],
        ]
        .iter()
        .any(|keys| is_false(&text, path, keys))
    })
}

fn is_false(text: &str, path: &Path, keys: &[&str]) -> bool {
    let Ok(document) = toml::parse(text, path) else {
        return false;
    };
    let found = toml::find(document.as_table(), keys);
    found.is_some_and(|(_, item)| item.as_bool() == Some(false))
}

/// Without a policy: cargo's configuration names one program, and the dev shell another one.
fn wrapper_twice(audited: &Audited) -> Option<Finding> {
    let key = settings::named(&audited.own, WRAPPER_KEY)?;
    let variable = settings::named(&audited.own, WRAPPER)?;
    let (of_key, of_variable) = (
        settings::program(&key.value)?,
        settings::program(&variable.value)?,
    );
    if of_key == of_variable {
        return None;
    }
    let what = format!(
        "`{of_key}` does not run in the dev shell: RUSTC_WRAPPER is {of_variable} ({})",
        variable.place
    );
    let remedy = Remedy::Words("remove one of the two".to_owned());
    Some(Finding::warning(what, remedy).at(Where::File(key.place.clone())))
}
