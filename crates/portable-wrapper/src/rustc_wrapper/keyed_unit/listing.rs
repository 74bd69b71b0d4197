//! The sources of a unit, as the compiler lists them.

use std::ffi::OsString;
use std::path::Path;

use crate::args::{Unit, shortened, without};
use crate::build_dir::wrapper_dir;
use crate::compile::SpeculativeCompile;
use crate::dep_info::DepInfo;
use crate::observation::{self, Observation};
use crate::state_dir::StateDir;
use crate::unit_key::sources::Listing;
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// Lists the unit's sources by running the compiler with `--emit=dep-info`. With a state directory, the compiler is observed if
/// possible.
pub(super) fn list_sources(
    program: &Path,
    args: &[String],
    unit: &Unit,
    cwd: &Path,
    observer: Option<&StateDir>,
) -> Option<Listing> {
    let directory = wrapper_dir(&unit.out_dir);
    fsio::create_dir_all(&directory).ok()?;
    let file = directory.join(format!("{}.list", unit.stem()));
    let mut list = without(args, &["--emit", "--out-dir"]);
    list.extend(["--emit=dep-info".into(), "-o".into(), file.clone().into()]);
    let arguments = directory.join(format!("{}.arguments", unit.stem()));
    let list = shortened(list, &arguments).ok()?;
    let listed = |changes: &[(OsString, Option<OsString>)]| {
        let output = Program {
            path: program,
            args: &list,
            changes,
            directory: Some(cwd),
        }
        .output();
        let text = fsio::read_bytes(&file);
        let _ = fsio::remove_file(&file);
        let is_done = output.is_ok_and(|output| output.status.success());
        text.filter(|_| is_done)
    };
    let observation = observer.and_then(Observation::of_compiler);
    let (text, requests) = match observation {
        Some(observation) => {
            let text = listed(observation.changes());
            (text, observation.requests())
        }
        None => (None, None),
    };
    let text = match (text, &requests) {
        (Some(text), _) => Some(text),
        // The source has an error.
        (None, Some(_)) => None,
        // The compiler may fail because of the observer.
        (None, None) => listed(&[]),
    };
    let _ = fsio::remove_file(&arguments);
    let info = DepInfo::parse(&String::from_utf8(text?).ok()?)?;
    Some(Listing {
        info: without_observer(info),
        requests,
    })
}

/// The sources that a running compile lists, with the notes about its macros if they have to be observed.
pub(super) fn sources_of(begun: &mut SpeculativeCompile, is_observed: bool) -> Option<Listing> {
    let info = without_observer(begun.sources()?);
    let requests = if is_observed {
        Some(begun.requests_of_macros()?)
    } else {
        None
    };
    Some(Listing { info, requests })
}

/// Replaces values of the observer's variables in the dep-info of an observed compiler by those without the observer.
fn without_observer(mut info: DepInfo) -> DepInfo {
    for (name, value) in &mut info.variables {
        if observation::VARIABLES.contains(&name.as_str()) {
            *value = env::var(name);
        }
    }
    info
}
