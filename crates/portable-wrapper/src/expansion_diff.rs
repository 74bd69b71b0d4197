//! Whether compiled code depends on a path without containing it: on its length, a part of it, a hash. The source is expanded
//! twice: once with the real variables and current directory, and once with other paths that lead to the same directories
//! through symbolic links. Macros find the same files under both, and expand to the same code unless it depends on the paths.
//! If a macro asks for a canonical path, the [observer](super::observation) returns another one. In the compile, absolute paths
//! of sources are remapped. Macros get the remapped paths from `Span::file`, and real paths from everything else. If there may
//! be such sources, a third expansion with the compile's arguments must give the same code as the first one, apart from the
//! remapped paths.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::args::shortened;
use super::digest;
use super::observation::Observation;
use super::path_map::Role;
use super::protocol::{CompileRequest, Remap, restore_cargo_variables};
use sccfg_util::fsio::share;
use sccfg_util::parallel::each_at_once;
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// The name of the output directory of the expansions.
const EXPANDED: &str = "expanded";

/// Whether the source has to be expanded: the source or a macro may read one of `exposed_variables` or, with
/// `asks_for_location`, a path, and use it for more than finding a file.
pub(super) fn is_needed(
    request: &CompileRequest,
    asks_for_location: bool,
    exposed_variables: &[String],
) -> bool {
    request.remap == Remap::All && (asks_for_location || !exposed_variables.is_empty())
}

/// Whether the unit depends on a path of these variables or of a directory; also if that cannot be determined. Expands both
/// sources at once if `most` is 2.
pub(super) fn depends_on_path(
    request: &CompileRequest,
    exposed_variables: &[String],
    most: usize,
) -> io::Result<bool> {
    if request.resolves_paths && request.observer.is_none() {
        return Ok(true);
    }
    let directory = request.work.join("another/name/of");
    fsio::create_dir_all(&directory)?;
    let mut aliases = Vec::new();
    let mut directories = Vec::new();
    let path_map = request.path_map.without_unmapped();
    for (role, placeholder, real) in path_map.placeholders() {
        let (real, alias) = (
            Path::new(real),
            directory.join(format!("the-{role:?}").to_lowercase()),
        );
        // getcwd would resolve a link; a directory of links keeps its path.
        fsio::create_dir_all(&alias)?;
        for name in fsio::names_in(real) {
            fsio::replace_link(&alias.join(&name), &real.join(&name))?;
        }
        let other = alias.canonicalize()?;
        // The alias itself may be below a renamed directory, and must not be renamed.
        directories.push((other.clone(), other.clone()));
        directories.extend(real.canonicalize().ok().map(|real| (real, other)));
        aliases.push((role, placeholder, alias));
    }
    // A directory may be below another one, so the longest comes first.
    directories.sort_by_key(|(real, _): &(PathBuf, _)| Reverse(real.as_os_str().len()));
    let is_there = path_map.directory(Role::Workspace).map(Path::new) == Some(&request.directory);
    let there = aliases
        .first()
        .filter(|(role, ..)| is_there && *role == Role::Workspace);
    let there = there.map_or(&*request.directory, |(.., alias)| alias);
    let rename = |value: &str| {
        let mut renamed = path_map.to_placeholders_str(value);
        for (_, placeholder, alias) in &aliases {
            renamed = renamed.replace(placeholder, &alias.to_string_lossy());
        }
        renamed
    };
    let out_dir = request.work.join(EXPANDED);
    fsio::create_dir_all(&out_dir)?;
    let args = shortened(request.args_for(&out_dir), &out_dir.join("arguments"))?;
    let kept = restore_cargo_variables();
    let value = |name: &str| {
        let kept = kept
            .iter()
            .find(|(kept, value)| kept == name && value.is_some());
        kept.and_then(|(_, value)| value.clone())
            .or_else(|| env::var_os(name))
    };
    let renamed: Vec<(OsString, Option<OsString>)> = exposed_variables
        .iter()
        .filter_map(|name| Some((name.into(), Some(rename(value(name)?.to_str()?).into()))))
        .collect();
    let mut otherwise = [&*kept, &*renamed].concat();
    let mut observation = request.observer.as_deref().and_then(Observation::of_all);
    if let Some(observation) = &mut observation {
        observation.rename(&directories);
        otherwise.extend(observation.changes().iter().cloned());
    }
    let expansions = [
        ("as-it-is.rs", &*request.directory, &*kept),
        ("otherwise.rs", there, &otherwise),
    ];
    let expanded = each_at_once(&expansions, most, |(file, directory, changes)| {
        expand(request, directory, &args, changes, file)
    });
    let expanded: Vec<_> = expanded.into_iter().collect::<io::Result<_>>()?;
    let is_loaded = observation.is_some_and(|observation| observation.requests().is_some());
    let [Some(as_it_is), Some(otherwise)] = &*expanded else {
        return Ok(true);
    };
    if request.resolves_paths && !is_loaded {
        return Ok(true);
    }
    if digest::of_file(as_it_is) != digest::of_file(otherwise) {
        return Ok(true);
    }
    let is_mapped = |path: &Path| {
        let mut roles = path_map.placeholders().map(|(role, ..)| role);
        roles.any(|role| path_map.is_below(path, role))
    };
    // cargo passes an absolute path of the source if the compiler does not run in the root of the workspace.
    let may_be_replaced = value("OUT_DIR").is_some()
        || !is_there && is_mapped(&request.directory)
        || request.sources.iter().any(|(path, _)| is_mapped(path));
    if !may_be_replaced {
        return Ok(false);
    }
    let args = [args, request.remap_args()].concat();
    let replaced = expand(request, &request.directory, &args, &kept, "replaced.rs")?;
    let with_placeholders = |file: &Path| path_map.digest_with_placeholders(fsio::open(file)?);
    Ok(match replaced {
        Some(replaced) => with_placeholders(as_it_is)? != with_placeholders(&replaced)?,
        None => true,
    })
}

/// Expands all macros of the source, and writes the result to a file of this name. Returns its path; `None` if the expansion
/// fails.
fn expand(
    request: &CompileRequest,
    directory: &Path,
    args: &[OsString],
    changes: &[(OsString, Option<OsString>)],
    file: &str,
) -> io::Result<Option<PathBuf>> {
    let mut args = args.to_vec();
    args.push("-Zunpretty=expanded".into());
    let unstable = (OsString::from("RUSTC_BOOTSTRAP"), Some(OsString::from("1")));
    let expanded = request.work.join(EXPANDED).join(file);
    let _ = fsio::remove_file(&expanded);
    let output = Program {
        path: &request.program,
        args: &args,
        changes: &[changes, &[unstable]].concat(),
        directory: Some(directory),
    }
    .output_into(share::open_or_create(&expanded)?)?;
    Ok(output.status.success().then_some(expanded))
}
