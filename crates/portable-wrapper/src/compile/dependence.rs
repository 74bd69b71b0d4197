//! How the output of a compile depends on paths that a search of the output does not find.

use std::io;
use std::sync::OnceLock;

use super::unkeyed_inputs::{
    asks_for_location, evaluates_locations, gives_location, named_paths, names_generated_file,
    read_variables, requests_of_macros,
};
use crate::cache_entry::{CacheEntry, is_located};
use crate::dep_info::DepInfo;
use crate::expansion_diff;
use crate::observation::Observation;
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::{CompileRequest, Remap};

/// How a unit depends on a path that it may not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dependence {
    None,
    /// Through the value of a variable alone.
    OnVariable,
    OnLocation,
}

/// How the unit depends on a path without containing it. `expanded` is the result of the expansions during the compile, if there
/// were any.
pub(super) fn dependence_on_path(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    observation: Option<&Observation>,
    expanded: OnceLock<io::Result<bool>>,
) -> io::Result<Dependence> {
    let named = named_paths(request, info);
    let of_macros = || requests_of_macros(request, observation);
    let (depends, asks_for_location) = match expanded.into_inner() {
        Some(known) if named.is_empty() => {
            let depends = known?;
            (
                depends,
                depends && asks_for_location(request, of_macros().as_ref()),
            )
        }
        _ => {
            let of_macros = of_macros();
            let mut read = read_variables(request, info, of_macros.as_ref());
            read.extend(named);
            let asks_for_location = asks_for_location(request, of_macros.as_ref());
            let depends = expansion_diff::is_needed(request, asks_for_location, &read)
                && expansion_diff::depends_on_path(request, &read, 2)?;
            (depends, asks_for_location)
        }
    };
    Ok(match (depends, asks_for_location) {
        (false, _) => Dependence::None,
        (true, false) => Dependence::OnVariable,
        (true, true) => Dependence::OnLocation,
    })
}

/// The leak of a compile with placeholders, also if a value may be computed from one. `evaluates_generated` is
/// [`evaluates_generated_paths`], and `evaluates_home` whether the directory of the registries is used.
pub(super) fn with_values(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    entry: &CacheEntry,
    leak: Option<PathLeak>,
    evaluates_generated: bool,
    evaluates_home: bool,
) -> Option<PathLeak> {
    let has_placeholders = leak.is_none_or(|leak| Remap::after(leak) == Remap::BestEffort);
    // Without panics in its own code, such a library was always shared.
    let gives_location = has_placeholders
        && is_located(&entry.sites)
        && gives_location(request, info, &entry.caller_functions);
    let evaluates_home = evaluates_home && request.path_map.unmapped().is_none();
    let evaluates_locations =
        || evaluates_generated || gives_location || evaluates_locations(request);
    let names_generated = || gives_location || names_generated_file(request, info);
    match leak {
        None if evaluates_locations() => Some(PathLeak::Derived(Role::Target)),
        None if evaluates_home => Some(PathLeak::Derived(Role::CargoHome)),
        // A unit with embedded placeholders is stored, unless a value may be computed from them.
        Some(PathLeak::Embedded(_)) if names_generated() => Some(PathLeak::Derived(Role::Target)),
        Some(PathLeak::OfVariable(role))
            if request.is_linked
                || evaluates_home
                || evaluates_locations()
                || names_generated() =>
        {
            Some(PathLeak::Derived(role))
        }
        leak => leak,
    }
}
