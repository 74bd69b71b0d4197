//! S041 and S042: file systems of the caches and of the target directory.

use std::path::PathBuf;

use super::context::Context;
use super::rust_analyzer::target_dir;
use super::{Check, Finding, Remedy, Where};
use portable_wrapper::state_dir::StateDir;
use portable_wrapper::store::settings::Settings;
use sccfg_util::fsio;

/// The local store and the target directory are on different file systems.
pub(super) static DIFFERENT: Check = Check {
    code: "S041",
    name: "local store on another file system",
    why: "files of a hit are copied, where one file system would share them by reflinks or hard links",
    find: find_different,
};

/// A cache or the target directory is on a network file system.
pub(super) static NETWORK: Check = Check {
    code: "S042",
    name: "network file system",
    why: "each file costs a round trip, and locks and times of a network file system are not reliable",
    find: find_network,
};

fn store_dir(context: &Context) -> Option<PathBuf> {
    if !context.is_portable() {
        return None;
    }
    let settings = Settings::load(&StateDir::find()?).ok()?;
    settings.is_enabled.then_some(settings.dir)
}

fn find_different(context: &Context) -> Vec<Finding> {
    let target = target_dir(&context.repository.root);
    let Some(store) = store_dir(context) else {
        return Vec::new();
    };
    if fsio::device(&store) == fsio::device(&target) {
        return Vec::new();
    }
    let what = format!(
        "the local store {} and the target directory {} are on different file systems",
        store.display(),
        target.display()
    );
    let remedy = Remedy::Words(
        "move the store to the file system of your projects: `sccfg config set store.dir PATH`"
            .to_owned(),
    );
    vec![Finding::warning(what, remedy).at(Where::Path(store))]
}

fn find_network(context: &Context) -> Vec<Finding> {
    let supervisor = context.session.supervisor();
    let cache = supervisor.and_then(|supervisor| supervisor.desired.directory);
    let cache = cache.map(|(directory, _)| directory);
    let target = target_dir(&context.repository.root);
    let all = [
        (
            cache,
            "sccache's cache",
            "sccfg config set cache.disk.dir PATH",
        ),
        (
            store_dir(context),
            "the local store",
            "sccfg config set store.dir PATH",
        ),
        (
            Some(target),
            "the target directory",
            "export CARGO_TARGET_DIR=PATH",
        ),
    ];
    all.into_iter()
        .filter_map(|(directory, name, command)| {
            let directory = directory?;
            let kind = fsio::network_file_system(&directory)?;
            let what = format!("{name} {} is on {kind}", directory.display());
            let remedy = Remedy::Words(format!("move it to a local disk: `{command}`"));
            Some(Finding::warning(what, remedy).at(Where::Path(directory)))
        })
        .collect()
}
