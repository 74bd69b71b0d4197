//! Whether compiled code depends on a path without containing it: on its length, a part of it, a hash. The source is expanded
//! twice: once with the real variables and current directory, and once with other paths that lead to the same directories
//! through symbolic links. Macros find the same files under both, and expand to the same code unless it depends on the paths.
//! If a macro asks for a canonical path, the [observer](super::observation) returns another one. In the compile, absolute paths
//! of sources are remapped. Macros get the remapped paths from `Span::file`, and real paths from everything else. If there may
//! be such sources, a third expansion with the compile's arguments must give the same code as the first one, apart from the
//! remapped paths. If no macro asks for the path of a source, none compares it with another path, so the second expansion remaps
//! paths as well, and the others follow only if it differs from the first one by something else than one of the other paths.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::args::remaps::with_remaps;
use super::args::shortened;
use super::dependency_sources::DependencySources;
use super::digest;
use super::macro_effects;
use super::observation::Observation;
use super::path_map::{PathMap, Role};
use super::protocol::{CompileRequest, Remap, restore_cargo_variables};
use super::windows::Part;
use sccfg_util::fsio::share;
use sccfg_util::parallel::each_at_once;
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// The name of the output directory of the expansions.
const EXPANDED: &str = "expanded";
/// The name of the source that is expanded with the real paths.
const AS_IT_IS: &str = "as-it-is.rs";

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
    let path_map = request.path_map.without_unmapped();
    let other_paths = request.work.join("another/name/of");
    let Aliases {
        aliases,
        directories,
    } = Aliases::create(&other_paths, &path_map)?;
    let is_there = path_map.directory(Role::Workspace).map(Path::new) == Some(&request.directory);
    let there = aliases
        .first()
        .filter(|(role, ..)| is_there && *role == Role::Workspace);
    let there = there.map_or(&*request.directory, |(.., alias)| alias);
    let out_dir = request.work.join(EXPANDED);
    fsio::create_dir_all(&out_dir)?;
    let args = shortened(request.args_for(&out_dir), &out_dir.join("arguments"))?;
    let mut kept = restore_cargo_variables();
    let value = |name: &str| value_in(&kept, name);
    let may_be_replaced =
        value("OUT_DIR").is_some() || has_mapped_sources(request, &path_map, is_there);
    let mut otherwise = kept.clone();
    otherwise.extend(exposed_variables.iter().filter_map(|name| {
        let renamed = with_aliases(value(name)?.to_str()?, &path_map, &aliases);
        Some((OsString::from(name), Some(renamed.into())))
    }));
    // Only the notes of the expansions in which paths are renamed are read.
    let (unread, mut observation) = (observe(request), observe(request));
    if let (Some(unread), Some(observation)) = (&unread, &mut observation) {
        observation.rename(&directories);
        kept.extend_from_slice(unread.changes());
        otherwise.extend_from_slice(observation.changes());
    }
    let remaps = may_be_replaced.then(|| request.remap_args());
    let remapped = with_remaps(args.clone(), remaps.unwrap_or_default());
    let expand_all = |expansions: &[Expansion<'_>]| {
        let expanded = each_at_once(expansions, most, |expansion| expand(request, expansion));
        expanded.into_iter().collect::<io::Result<Option<Vec<_>>>>()
    };
    let renamed = Expansion {
        file: "renamed.rs",
        directory: there,
        args: &args,
        changes: &otherwise,
    };
    let as_it_is = Expansion {
        file: AS_IT_IS,
        directory: &request.directory,
        args: &args,
        changes: &kept,
    };
    let replaced = Expansion {
        file: "replaced.rs",
        args: &remapped,
        ..as_it_is
    };
    let both = Expansion {
        file: "otherwise.rs",
        args: &remapped,
        ..renamed
    };
    // `Span::file` may return the path of the registries as well, so the macros that ask for the path of a source are among these.
    let is_both = may_be_replaced && !request.exposes_cargo_home;
    let second = if is_both { both } else { renamed };
    let Some(expanded) = expand_all(&[as_it_is, second])? else {
        return Ok(true);
    };
    let is_loaded = observation
        .as_ref()
        .is_some_and(|observation| observation.requests().is_some());
    if request.resolves_paths && !is_loaded {
        return Ok(true);
    }
    let as_it_is = &expanded[0];
    let may_differ =
        request.has_values && exposed_variables.iter().all(|it| request.hides_value(it));
    if may_differ && differs_in_values(request, as_it_is, &expanded[1], &aliases)? {
        if is_both || !may_be_replaced {
            return Ok(false);
        }
        let other = expand_all(&[replaced])?;
        return Ok(!other.is_some_and(|other| {
            is_same_but_for_paths((as_it_is, &path_map), (&other[0], &path_map))
        }));
    }
    let digest_as_it_is = digest::of_file(as_it_is);
    let is_same = |file: &Path| digest::of_file(file) == digest_as_it_is;
    match is_same(&expanded[1]) {
        true if is_both || !may_be_replaced => return Ok(false),
        false if !is_both || has_path_in(&expanded[1], &other_paths)? => return Ok(true),
        _ => {}
    }
    let others = [replaced, renamed];
    let Some(others) = expand_all(&others[..=usize::from(is_both)])? else {
        return Ok(true);
    };
    if !others[1..].iter().all(|renamed| is_same(renamed)) {
        return Ok(true);
    }
    let with_placeholders = |file: &Path| path_map.digest_with_placeholders(fsio::open(file)?);
    Ok(with_placeholders(as_it_is)? != with_placeholders(&others[0])?)
}

/// An observation in which macros get the same random numbers as in the others.
fn observe(request: &CompileRequest) -> Option<Observation> {
    let library = request.observer.as_deref()?;
    let mut observation = Observation::of_all(library)?;
    observation.repeat_random_numbers();
    Some(observation)
}

/// The value of a variable with other paths of the directories.
fn with_aliases(value: &str, path_map: &PathMap, aliases: &[(Role, &str, PathBuf)]) -> String {
    let mut renamed = path_map.to_placeholders_str(value);
    for (_, placeholder, alias) in aliases {
        renamed = renamed.replace(placeholder, &alias.to_string_lossy());
    }
    renamed
}

/// Whether the source expanded with other paths of the directories, `renamed`, differs only by paths in string literals, in which the
/// compile has placeholders, and the compiler computes nothing from them.
fn differs_in_values(
    request: &CompileRequest,
    as_it_is: &Path,
    renamed: &Path,
    aliases: &[(Role, &str, PathBuf)],
) -> io::Result<bool> {
    let path_map = request.path_map.without_unmapped();
    let aliases = aliases.iter().map(|(role, _, alias)| (*role, &**alias));
    let is_same = PathMap::of_texts(aliases)
        .is_some_and(|aliases| is_same_but_for_paths((as_it_is, &path_map), (renamed, &aliases)));
    Ok(is_same && !evaluates_paths(request)?)
}

/// Whether two expanded sources are the same but for paths in string literals. Line breaks depend on the lengths of paths.
fn is_same_but_for_paths(one: (&Path, &PathMap), other: (&Path, &PathMap)) -> bool {
    let texts = fsio::read_text(one.0).zip(fsio::read_text(other.0));
    let is_same = |a: &str, b: &str| one.1.to_placeholders_str(a) == other.1.to_placeholders_str(b);
    texts.is_some_and(|(one, other)| macro_effects::are_same_but_for_texts(&one, &other, is_same))
}

/// Whether the compiler may have computed something from a path in a constant. True if the source cannot be expanded.
///
/// # Errors
/// If a file cannot be read or written, or the compiler cannot be run.
pub(super) fn evaluates_paths(request: &CompileRequest) -> io::Result<bool> {
    let source = expanded(request)?.and_then(fsio::read_text);
    let directories = request.path_map.mapped_dirs();
    let directories = directories.filter(|(_, role)| *role != Role::CargoHome);
    // The compiler escapes a text that it prints.
    let spellings =
        |directory: &str| [directory.to_owned(), directory.escape_default().to_string()];
    let directories: Vec<String> = directories
        .flat_map(|(directory, _)| spellings(directory))
        .collect();
    let is_path = |text: &str| directories.iter().any(|directory| text.contains(directory));
    let dependencies = DependencySources::of(request);
    Ok(
        source
            .is_none_or(|source| macro_effects::may_compute_from(&source, is_path, &dependencies)),
    )
}

/// The path of the expanded source of the unit; `None` if it cannot be expanded.
pub(super) fn expanded(request: &CompileRequest) -> io::Result<Option<PathBuf>> {
    let out_dir = request.work.join(EXPANDED);
    let known = out_dir.join(AS_IT_IS);
    if known.is_file() {
        return Ok(Some(known));
    }
    fsio::create_dir_all(&out_dir)?;
    let args = shortened(request.args_for(&out_dir), &out_dir.join("arguments"))?;
    let as_it_is = Expansion {
        file: AS_IT_IS,
        directory: &request.directory,
        args: &args,
        changes: &restore_cargo_variables(),
    };
    expand(request, &as_it_is)
}

/// Whether the expanded source at `path` contains a path in `directory`.
fn has_path_in(path: &Path, directory: &Path) -> io::Result<bool> {
    Part::whole(&fsio::open(path)?)?.contains(directory.as_os_str().as_encoded_bytes())
}

/// The value of the variable that cargo set, which is among `kept` if the wrapper has changed it.
fn value_in(kept: &[(OsString, Option<OsString>)], name: &str) -> Option<OsString> {
    let kept = kept
        .iter()
        .find(|(kept, value)| kept == name && value.is_some());
    kept.and_then(|(_, value)| value.clone())
        .or_else(|| env::var_os(name))
}

/// Whether there may be sources with paths that the compile remaps. `is_in_root` if the compiler runs in the root of the workspace.
fn has_mapped_sources(request: &CompileRequest, path_map: &PathMap, is_in_root: bool) -> bool {
    let is_mapped = |path: &Path| {
        let mut roles = path_map.placeholders().map(|(role, ..)| role);
        roles.any(|role| path_map.is_below(path, role))
    };
    // Otherwise, cargo passes an absolute path of the source.
    !is_in_root && is_mapped(&request.directory)
        || request.sources.iter().any(|(path, _)| is_mapped(path))
}

/// Other paths of the mapped directories.
struct Aliases<'a> {
    /// The role of each directory, its placeholder, and its other path.
    aliases: Vec<(Role, &'a str, PathBuf)>,
    /// Canonical paths, and those that the observer returns in their place.
    directories: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Aliases<'a> {
    /// Creates the other paths in `directory`.
    fn create(directory: &Path, path_map: &'a PathMap) -> io::Result<Self> {
        fsio::create_dir_all(directory)?;
        let mut aliases = Vec::new();
        let mut directories = Vec::new();
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
        directories.sort_by_key(|(real, _)| Reverse(real.as_os_str().len()));
        Ok(Self {
            aliases,
            directories,
        })
    }
}

/// How all macros of a source are expanded.
#[derive(Clone, Copy)]
struct Expansion<'a> {
    /// The name of the file with the expanded source.
    file: &'a str,
    /// The current directory.
    directory: &'a Path,
    args: &'a [OsString],
    /// Changes of variables.
    changes: &'a [(OsString, Option<OsString>)],
}

/// Expands all macros of the source, and returns the path of the result; `None` if that fails.
fn expand(request: &CompileRequest, expansion: &Expansion<'_>) -> io::Result<Option<PathBuf>> {
    let mut args = expansion.args.to_vec();
    args.push("-Zunpretty=expanded".into());
    let unstable = (OsString::from("RUSTC_BOOTSTRAP"), Some(OsString::from("1")));
    let expanded = request.work.join(EXPANDED).join(expansion.file);
    let _ = fsio::remove_file(&expanded);
    let output = Program {
        path: &request.program,
        args: &args,
        changes: &[expansion.changes, &[unstable]].concat(),
        directory: Some(expansion.directory),
    }
    .output_into(share::open_or_create(&expanded)?)?;
    if !output.status.success() {
        fsio::remove_file(&expanded)?;
        return Ok(None);
    }
    Ok(Some(expanded))
}
