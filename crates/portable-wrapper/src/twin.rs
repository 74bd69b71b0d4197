//! Whether what is compiled depends on where it stands, in ways that no search of it shows: a path's
//! length, a part of it, a number made from it.
//!
//! The source is expanded twice, once with variables and the current directory as they are and once
//! with other names for the same directories. Macros find the same files under both, and what they
//! make of them is the same, unless they make it of the names.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::call::{Call, show_variables};
use super::places::Role;
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// Where rustc may write while it expands.
const EXPANDED: &str = "expanded";

/// Whether the unit speaks of its place; also where that cannot be found out.
pub(super) fn speaks_of_its_place(call: &Call) -> io::Result<bool> {
    let directory = call.work.join("another/name/of");
    fsio::make_dir(&directory)?;
    let mut twins = Vec::new();
    let places = call.places.without_kept();
    for (role, stand_in, real) in places.stand_ins() {
        let (real, twin) = (
            Path::new(real),
            directory.join(format!("the-{role:?}").to_lowercase()),
        );
        // A directory of links can be the current one under this name; a link could not.
        fsio::make_dir(&twin)?;
        for name in fsio::names_in(real) {
            fsio::replace_link(&twin.join(&name), &real.join(&name))?;
        }
        twins.push((role, stand_in, twin));
    }
    let is_there = places.directory(Role::Workspace).map(Path::new) == Some(&call.directory);
    let there = twins
        .first()
        .filter(|(role, ..)| is_there && *role == Role::Workspace);
    let there = there.map_or(&*call.directory, |(.., twin)| twin);
    let rename = |value: &str| {
        let mut renamed = places.hide_text(value);
        for (_, stand_in, twin) in &twins {
            renamed = renamed.replace(stand_in, &twin.to_string_lossy());
        }
        renamed
    };
    // rustc writes dep-info there.
    fsio::make_dir(&call.work.join(EXPANDED))?;
    let args = call.args_for(&call.work.join(EXPANDED));
    let kept = show_variables();
    let value = |name: &str| {
        let kept = kept
            .iter()
            .find(|(it, value)| it == name && value.is_some());
        kept.and_then(|(_, value)| value.clone())
            .or_else(|| env::var_os(name))
    };
    let renamed: Vec<(OsString, Option<OsString>)> = call
        .used
        .iter()
        .filter_map(|name| Some((name.into(), Some(rename(value(name)?.to_str()?).into()))))
        .collect();
    let as_it_is = expand(call, &call.directory, &args, &kept)?;
    let otherwise = expand(call, there, &args, &[kept.clone(), renamed].concat())?;
    Ok(as_it_is.is_none() || as_it_is != otherwise)
}

/// The source with all macros expanded.
fn expand(
    call: &Call,
    directory: &Path,
    args: &[OsString],
    changes: &[(OsString, Option<OsString>)],
) -> io::Result<Option<Vec<u8>>> {
    let mut args = args.to_vec();
    args.push("-Zunpretty=expanded".into());
    let unstable = (OsString::from("RUSTC_BOOTSTRAP"), Some(OsString::from("1")));
    let output = Program {
        path: &call.program,
        args: &args,
        changes: &[changes, &[unstable]].concat(),
        directory: Some(directory),
    }
    .output()?;
    Ok(output.status.success().then_some(output.stdout))
}
