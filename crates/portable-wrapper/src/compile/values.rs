//! Placeholders in the values of variables that a program or library takes from `env!`, so that checkouts with paths of any length
//! share it.
//! Only rustc itself gets them: the observer distinguishes it from macros, which get the real values and find their files. The
//! lengths of the values are changed on delivery, so the unit must be compiled without optimization: then it contains
//! each value as a pointer and a length ([`crate::binary`]). Constants are evaluated by the compiler all the same. What they do
//! with a value is read off the expanded source.

use std::ffi::OsString;
use std::fs::File;
use std::io;

use crate::binary;
use crate::binary::placeholder_sites::{PlaceholderSite, unknown_value};
use crate::compiler::is_clippy;
use crate::dep_info::DepInfo;
use crate::diagnostics;
use crate::expansion_diff;
use crate::observation::{self, Observation};
use crate::path_leak::PathLeak;
use crate::path_map::{
    has_placeholder_in, has_placeholder_in_value, padding_in_value, without_padding,
};
use crate::protocol::{CompileRequest, Remap, restore_cargo_variables};
use sccfg_util::{env, fsio};

/// The variable with the directory of the files that the build script made.
const OUT_DIR: &str = "OUT_DIR";
/// Stands for the padding of a placeholder in a value that the observer reads.
const PADDING: char = '\u{1}';
/// The maximum size of all values, without padding, in bytes. The system allows a variable 128 KiB (`MAX_ARG_STRLEN`).
const MOST: usize = 100 << 10;

/// The change of the environment by which the compiler gets placeholders in values of variables, if this compile has them.
pub(super) fn change_for(
    request: &CompileRequest,
    remap: Remap,
    observation: Option<&Observation>,
) -> Option<(OsString, Option<OsString>)> {
    let is_wanted = request.has_values && remap == Remap::All && observation.is_some();
    let lines = is_wanted.then(|| lines(request))?;
    (!lines.is_empty()).then(|| (observation::VALUES.into(), Some(lines.into())))
}

/// Whether the compile may have read a placeholder in a value, and used it for more than including files.
pub(super) fn are_read(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let is_used = |read: &(String, Option<String>)| {
        !request.included_variables.contains(&read.0) && is_replaced(request, read)
    };
    request.has_values
        && request.remap == Remap::All
        && info.is_none_or(|info| info.variables.iter().any(is_used))
}

/// Whether rustc gets a placeholder in the value of a variable, with its real value, if it gets any.
pub(super) fn is_replaced(
    request: &CompileRequest,
    (name, value): &(String, Option<String>),
) -> bool {
    let is_replaced = |value: &String| request.path_map.place_in_value(value).is_some();
    request.hides_value(name) && value.as_ref().is_some_and(is_replaced)
}

/// What the observer reads: the length of the padding, and lines of `NAME=VALUE`, with [`PADDING`] where it belongs in a value. Empty
/// if there are no values, or if they are too long.
fn lines(request: &CompileRequest) -> String {
    // sccache's server hides cargo's variables from the shim.
    let hidden = restore_cargo_variables().into_iter();
    let hidden = hidden.filter_map(|(name, value)| Some((name, value?)));
    let mut lines = String::new();
    let set = env::vars_where(|name| request.hides_value(name));
    for (name, value) in hidden.chain(set) {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        let place = request.path_map.place_in_value(value);
        if let Some((role, rest)) = place.filter(|_| request.hides_value(name)) {
            if is_clippy(&request.program) && !is_plain(value) {
                return String::new();
            }
            let placeholder = role.placeholder();
            lines.push_str(&format!("{name}={placeholder}{PADDING}{rest}\n"));
        }
    }
    if lines.is_empty() || lines.len() > MOST {
        return String::new();
    }
    format!("{}\n{lines}", padding_in_value())
}

/// Whether a path has only characters that the placeholders have as well: clippy looks for others in texts.
fn is_plain(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    path.bytes().all(is_plain)
}

impl CompileRequest {
    /// Whether rustc may get a placeholder in the value of this variable, if it gets any.
    pub(crate) fn hides_value(&self, variable: &str) -> bool {
        has_placeholder_in(variable) || self.hides_out_dir && variable == OUT_DIR
    }

    /// The same compile with real values of variables.
    pub(crate) fn without_values(&self) -> Self {
        Self {
            has_values: false,
            ..self.clone()
        }
    }
}

/// A line of the compiler's messages, with the usual placeholders.
pub(super) fn in_message(line: Vec<u8>) -> Vec<u8> {
    if has_placeholder_in_value(&line) {
        without_padding(&line)
    } else {
        line
    }
}

/// Writes real values into the dep-info of a compile, if there is one.
///
/// # Errors
/// If it cannot be written.
pub(super) fn restore_in_dep_info(request: &CompileRequest) -> io::Result<()> {
    let path = request.work.join(&request.dep_info);
    match fsio::read_bytes(&path) {
        Some(text) if has_placeholder_in_value(&text) => {
            fsio::write_output(&path, &request.path_map.to_real_values(&text))
        }
        _ => Ok(()),
    }
}

/// Whether a compile may have failed because of a placeholder in a value: it included a file by it, or evaluated it.
///
/// # Errors
/// If the source has to be expanded, and a file cannot be read or written.
pub(super) fn may_have_failed(request: &CompileRequest, stderr: &[u8]) -> io::Result<bool> {
    if has_placeholder_in_value(stderr) || diagnostics::has_evaluation_error(stderr) {
        return Ok(true);
    }
    let dep_info = fsio::read_text(request.work.join(&request.dep_info));
    let info = dep_info.and_then(|text| DepInfo::parse(&text));
    let is_read = info.is_some_and(|info| are_read(request, Some(&info)));
    Ok(is_read && expansion_diff::evaluates_paths(request)?)
}

/// The leak of an output with these sites, or `leak` if its values are all understood.
///
/// # Errors
/// If it cannot be read.
pub(super) fn leak_of(
    request: &CompileRequest,
    sites: Option<&[PlaceholderSite]>,
    file: &File,
    leak: Option<PathLeak>,
) -> io::Result<Option<PathLeak>> {
    let may_have_values = !request.is_linked || request.may_have_values_of_libraries;
    // Sites are only those of directories that this unit knows.
    let sites = sites.filter(|_| request.path_map.has_directories_of_values());
    let role = match sites {
        Some(sites) if may_have_values => unknown_value(sites),
        Some(sites) => {
            let mut values = sites.iter().filter(|site| site.is_of_value());
            values.next().map(PlaceholderSite::role)
        }
        None => binary::value_in(file)?,
    };
    let other = leak.filter(|leak| leak.needs_another_compile());
    Ok(match role {
        Some(role) => other.or(Some(PathLeak::Value(role))),
        None => leak,
    })
}
