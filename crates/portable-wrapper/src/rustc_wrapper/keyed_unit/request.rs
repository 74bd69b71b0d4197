//! Creates the request to compile a unit.

use std::path::Path;

use super::KeyedUnit;
use crate::args::Unit;
use crate::cache_entry::entry_name;
use crate::debug_info;
use crate::observation;
use crate::protocol::{CompileRequest, Language, Remap};

impl KeyedUnit<'_> {
    pub(super) fn request(&self) -> CompileRequest {
        let remap = match &self.key.keyed_by_path {
            None => Remap::All,
            Some(_) => Remap::None,
        };
        let observer = observation::library(&self.state);
        CompileRequest {
            remap,
            key: self.key.key.clone(),
            work: self.work.0.clone(),
            path_map: self.key.path_map.clone(),
            exposed_variables: self.key.exposed_variables.clone(),
            named_variables: self.key.named_variables.clone(),
            hides_paths: self.key.hides_paths,
            forbids_backtrace: self.key.forbids_backtrace,
            package: self.key.package.clone(),
            asking_macros: self.key.macros_below.clone(),
            caller_functions: self.key.caller_functions.clone(),
            crate_hashes: self.key.below.hashes.clone(),
            hides_out_dir: self.key.may_hide_out_dir,
            included_variables: self.key.included_variables.clone(),
            exposes_location: self.key.exposes_location,
            shows_location: self.key.shows_location,
            resolves_paths: self.key.resolves_paths,
            exposes_cargo_home: self.key.exposes_cargo_home,
            sources: self.key.sources.clone(),
            read_files: self.key.read_files.clone(),
            native_libraries: self.key.native_libraries.clone(),
            known_inputs: self.key.known_inputs.clone(),
            is_observed: observer.is_some() && self.key.may_be_observed,
            observer,
            ..empty_request(
                self.unit,
                &self.program,
                &self.args,
                self.cwd,
                &self.outputs,
            )
        }
    }
}

/// The request to compile `unit`, without the fields that come from its key.
pub(super) fn empty_request(
    unit: &Unit,
    program: &Path,
    args: &[String],
    cwd: &Path,
    outputs: &[String],
) -> CompileRequest {
    CompileRequest {
        program: program.to_owned(),
        args: args.to_owned(),
        directory: cwd.to_owned(),
        out_dir: unit.out_dir.clone(),
        outputs: outputs.to_owned(),
        entry: entry_name(&unit.stem()),
        dep_info: format!("{}.d", unit.stem()),
        is_linked: unit.is_linked(),
        may_have_names: !unit.is_linked() && unit.is_position_independent(),
        has_values: unit.may_have_values(),
        may_have_values_of_libraries: unit.has_type("bin") && !unit.is_build_script,
        has_coverage: unit.has_coverage,
        names_out_dir: unit.separate_debug_info().is_some(),
        debug_info_archive: debug_info::archive_of(unit),
        ..CompileRequest::empty(Language::Rust)
    }
}
