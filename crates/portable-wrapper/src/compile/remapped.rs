//! Compiles with placeholders instead of paths, and again without those that may be the reason why a compile failed.

use std::io;
use std::process::Output;

use super::SpeculativeCompile;
use super::process::run_to_end;
use super::values;
use crate::diagnostics;
use crate::observation::Observation;
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::{CompileRequest, Remap};

/// A compile that ended.
pub(super) struct Compiled {
    pub(super) output: Output,
    pub(super) leak: Option<PathLeak>,
    /// Whether rustc got placeholders in values of variables.
    pub(super) has_values: bool,
}

/// Compiles. If the compile fails and may do so only because paths are remapped, compiles again without remapping; if that
/// succeeds, it is a leak. If it may fail because of placeholders in values, compiles again without these.
///
/// # Errors
/// If the compiler cannot be run, or a file cannot be read or written.
pub(super) fn compile_remapped(
    request: &CompileRequest,
    begun: Option<SpeculativeCompile>,
    observation: Option<&Observation>,
    on_stderr: &dyn Fn(&[u8]),
) -> io::Result<Compiled> {
    let (mut output, leak) = match begun {
        Some(begun) => begun.end(on_stderr)?,
        None => run_to_end(request, request.remap, observation, on_stderr)?,
    };
    let has_values = values::change_for(request, request.remap, observation).is_some();
    if has_values && !output.status.success() && values::may_have_failed(request, &output.stderr)? {
        observation.map_or(Ok(()), Observation::forget)?;
        return compile_remapped(&request.without_values(), None, observation, on_stderr);
    }
    if has_values {
        output.stdout = values::in_message(output.stdout);
        output.stderr = values::in_message(output.stderr);
    }
    let may_depend_on_remap = !output.status.success()
        && request.remap != Remap::None
        && request.path_map.has_placeholder(&output.stderr)
        && !diagnostics::has_undefined_symbol(&String::from_utf8_lossy(&output.stderr));
    let compiled = |output, leak| Compiled {
        output,
        leak,
        has_values,
    };
    if may_depend_on_remap {
        // A macro may have opened the remapped path of a source file.
        observation.map_or(Ok(()), Observation::forget)?;
        let (unmapped, _) = run_to_end(request, Remap::None, observation, &|_| {})?;
        if unmapped.status.success() {
            let leak = PathLeak::SourceLocation(Role::Target);
            let leak = (request.remap == Remap::All).then_some(leak);
            return Ok(Compiled {
                has_values: false,
                ..compiled(unmapped, leak)
            });
        }
    }
    Ok(compiled(output, leak))
}
