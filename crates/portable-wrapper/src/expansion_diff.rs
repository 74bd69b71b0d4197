//! Whether what is compiled depends on where it stands, in ways that no search of it shows: a path's
//! length, a part of it, a number made from it.
//!
//! The source is expanded twice, once with variables and the current directory as they are and once
//! with other names for the same directories. Macros find the same files under both, and what they
//! make of them is the same, unless they make it of the names.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::path_map::Role;
use super::protocol::{CompileRequest, restore_cargo_variables};
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// Where rustc may write while it expands.
const EXPANDED: &str = "expanded";

/// Whether the unit speaks of its place; also where that cannot be found out.
pub(super) fn depends_on_path(request: &CompileRequest) -> io::Result<bool> {
    let directory = request.work.join("another/name/of");
    fsio::make_dir(&directory)?;
    let mut twins = Vec::new();
    let path_map = request.path_map.without_unmapped();
    for (role, placeholder, real) in path_map.placeholders() {
        let (real, twin) = (
            Path::new(real),
            directory.join(format!("the-{role:?}").to_lowercase()),
        );
        // A directory of links can be the current one under this name; a link could not.
        fsio::make_dir(&twin)?;
        for name in fsio::names_in(real) {
            fsio::replace_link(&twin.join(&name), &real.join(&name))?;
        }
        twins.push((role, placeholder, twin));
    }
    let is_there = path_map.directory(Role::Workspace).map(Path::new) == Some(&request.directory);
    let there = twins
        .first()
        .filter(|(role, ..)| is_there && *role == Role::Workspace);
    let there = there.map_or(&*request.directory, |(.., twin)| twin);
    let rename = |value: &str| {
        let mut renamed = path_map.to_placeholders_str(value);
        for (_, placeholder, twin) in &twins {
            renamed = renamed.replace(placeholder, &twin.to_string_lossy());
        }
        renamed
    };
    // rustc writes dep-info there.
    fsio::make_dir(&request.work.join(EXPANDED))?;
    let args = request.args_for(&request.work.join(EXPANDED));
    let kept = restore_cargo_variables();
    let value = |name: &str| {
        let kept = kept
            .iter()
            .find(|(kept, value)| kept == name && value.is_some());
        kept.and_then(|(_, value)| value.clone())
            .or_else(|| env::var_os(name))
    };
    let renamed: Vec<(OsString, Option<OsString>)> = request
        .exposed_variables
        .iter()
        .filter_map(|name| Some((name.into(), Some(rename(value(name)?.to_str()?).into()))))
        .collect();
    let as_it_is = expand(request, &request.directory, &args, &kept)?;
    let otherwise = expand(request, there, &args, &[kept.clone(), renamed].concat())?;
    Ok(as_it_is.is_none() || as_it_is != otherwise)
}

/// The source with all macros expanded.
fn expand(
    request: &CompileRequest,
    directory: &Path,
    args: &[OsString],
    changes: &[(OsString, Option<OsString>)],
) -> io::Result<Option<Vec<u8>>> {
    let mut args = args.to_vec();
    args.push("-Zunpretty=expanded".into());
    let unstable = (OsString::from("RUSTC_BOOTSTRAP"), Some(OsString::from("1")));
    let output = Program {
        path: &request.program,
        args: &args,
        changes: &[changes, &[unstable]].concat(),
        directory: Some(directory),
    }
    .output()?;
    Ok(output.status.success().then_some(output.stdout))
}
