//! How the output of a compile depends on paths that a search of the output does not find.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use super::unkeyed_inputs::{
    asks_for_location, evaluates_locations, gives_location, may_evaluate_replaced, named_paths,
    names_generated_file, read_variables, requests_of_macros,
};
use crate::cache_entry::{CacheEntry, is_located};
use crate::dep_info::DepInfo;
use crate::expansion_diff;
use crate::observation::Observation;
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::{CompileRequest, Remap};

/// Whether the unit depends on a path without containing it. `expanded` is the result of the expansions during the compile, if
/// there were any.
pub(super) fn depends_on_path_by(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    observation: Option<&Observation>,
    expanded: OnceLock<io::Result<bool>>,
) -> io::Result<bool> {
    let named = named_paths(request, info);
    match expanded.into_inner() {
        Some(known) if named.is_empty() => known,
        _ => {
            let of_macros = requests_of_macros(request, observation);
            let mut read = read_variables(request, info, of_macros.as_ref());
            read.extend(named);
            let asks_for_location = asks_for_location(request, of_macros.as_ref());
            Ok(expansion_diff::is_needed(request, asks_for_location, &read)
                && expansion_diff::depends_on_path(request, &read, 2)?)
        }
    }
}

/// The leak of a unit that depends on a path without containing it. If no value is computed from the path of a source, the values are
/// the same with and without placeholders.
pub(super) fn leak_of_value(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    own_functions: &BTreeSet<String>,
) -> PathLeak {
    let is_in_home = |file: &String| {
        let path_map = &request.path_map;
        let mut roles = path_map.placeholders().map(|(role, ..)| role);
        let others = |role: &Role| !matches!(role, Role::Workspace | Role::Target);
        roles.any(|role| others(&role) && path_map.is_below(Path::new(file), role))
    };
    let has_other = || info.is_none_or(|info| info.files.iter().any(is_in_home));
    if request.is_linked
        || request.exposes_cargo_home
        || has_other()
        || names_generated_file(request, info)
        || may_evaluate_replaced(request, info, own_functions)
    {
        PathLeak::Derived(Role::Workspace)
    } else {
        PathLeak::OfVariable(Role::Workspace)
    }
}

/// The leak of a compile, also if a value may be computed from a placeholder. `evaluates_generated` is
/// [`evaluates_generated_paths`], and `evaluates_home` whether the directory of the registries is used.
pub(super) fn with_values(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    entry: &CacheEntry,
    leak: Option<PathLeak>,
    evaluates_generated: bool,
    evaluates_home: bool,
) -> Option<PathLeak> {
    if request.remap != Remap::All {
        return leak;
    }
    let has_placeholders = leak.is_none_or(|leak| Remap::after(leak) == Remap::BestEffort);
    // Without panics in its own code, such a library was always shared.
    let gives_location = has_placeholders
        && is_located(&entry.sites)
        && gives_location(request, info, &entry.caller_functions);
    let evaluates_home = evaluates_home && request.path_map.unmapped().is_none();
    let evaluates_locations =
        || evaluates_generated || gives_location || evaluates_locations(request);
    let evaluates_replaced = || {
        gives_location
            || names_generated_file(request, info)
            || may_evaluate_replaced(request, info, &entry.caller_functions)
    };
    match leak {
        None | Some(PathLeak::Value(_)) if evaluates_locations() => {
            Some(PathLeak::Derived(Role::Target))
        }
        // A unit with embedded placeholders is stored, unless a value may be computed from them.
        Some(PathLeak::Embedded(_) | PathLeak::Value(_)) if evaluates_replaced() => {
            Some(PathLeak::Derived(Role::Target))
        }
        None | Some(PathLeak::Embedded(_) | PathLeak::Value(_)) if evaluates_home => {
            Some(PathLeak::Derived(Role::CargoHome))
        }
        Some(PathLeak::OfVariable(role)) if evaluates_home || evaluates_locations() => {
            Some(PathLeak::Derived(role))
        }
        leak => leak,
    }
}
