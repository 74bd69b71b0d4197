//! `sccfg remote`

mod check;
mod list;

use std::path::Path;

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::config_file::{ConfigFile, lock_for_edit};
use crate::plan::{self, CopiedSecret, Levels, Secret};
use crate::remote::{Access, Kind, Remote, SecretFile};
use crate::report::Report;
use crate::repository::Repository;
use sccache_control::config::version::{Version, parse_version};
use sccache_control::config::{file, variables};
use sccache_control::remote::secret_command::{required_key, takes_command};
use sccache_control::server::program::{NotExecutable, SccacheProgram};
use sccfg_util::env;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::wrapper_vars::SCCACHE;

pub(super) fn run(args: &cli::Remote, start: &Path, report: Report) -> Result<Outcome> {
    match args {
        cli::Remote::Add(args) => add(args, start, report),
        cli::Remote::List { json } => list::run(*json, report),
        cli::Remote::Check(args) => check::run(args, report),
        cli::Remote::Remove { kind, output } => {
            let _lock = lock_for_edit()?;
            let mut plan = plan::remove_remote(&ConfigFile::load()?, kind.back_end().name)?;
            plan.next
                .push("restart the server: sccfg server ensure".to_owned());
            changes::carry_out(&plan, *output, report)?;
            Ok(Outcome::Done)
        }
    }
}

/// The sccache of this shell.
pub(super) fn sccache() -> Result<SccacheProgram, Problem> {
    let wrapper = env::var_os("RUSTC_WRAPPER");
    let behind = env::var_os(SCCACHE);
    let search_path = env::search_path();
    SccacheProgram::find(wrapper.as_deref(), behind.as_deref(), &search_path).map_err(
        |NotExecutable(name)| {
            Problem::new(format!("program not found: {}", name.to_string_lossy()))
                .hint("enter the dev shell, or add sccache to PATH")
        },
    )
}

fn add(args: &cli::RemoteAdd, start: &Path, report: Report) -> Result<Outcome> {
    let (kind, remote) = described(args, start)?;
    let access = if args.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let secret = args.secret_file.as_ref().map(|path| start.join(path));
    let has_username = remote.username.is_some();
    let secret = secret
        .as_deref()
        .map(|path| SecretFile::new(kind, has_username, path))
        .transpose()?;
    let command = args.secret_command.as_deref();
    if command.is_some() {
        refuse_command(kind).map_err(Problem::in_arguments)?;
    }
    if args.env {
        let mut lines = String::new();
        for (name, value) in remote.variables(kind, access)? {
            lines.push_str(&format!("export {name}={}\n", quote(&value)));
        }
        if let Some(secret) = &secret {
            lines.push_str(&secret.export()?);
        }
        if let Some(command) = command {
            if matches!(kind, Kind::S3 | Kind::R2) {
                return Err(Problem::new(
                    "the command of s3 prints lines for a shell itself, which --env does not run",
                )
                .hint(format!(
                    "omit --secret-command, and write eval \"$({command})\" into the shell's file"
                ))
                .in_arguments()
                .into());
            }
            let variable = SecretFile::new(kind, has_username, Path::new(""))?.variable;
            lines.push_str(&export_first_line(variable, command));
        }
        report.data(&lines);
        return Ok(Outcome::Done);
    }
    let mut settings = remote.settings(kind, access)?;
    let table = kind.back_end().name;
    if let (Some(key), Some(_)) = (required_key(kind.back_end()), command) {
        settings.push((format!("cache.{table}.{key}"), String::new()));
    }
    let copied = match &secret {
        None => None,
        Some(secret) if secret.key.is_empty() => {
            return Err(Problem::new("sccache reads no credentials of S3 from its config file")
                .hint(format!(
                    "write them to ~/.aws/credentials, to which a secret of sops-nix or agenix can be \
                     linked, or export AWS_SHARED_CREDENTIALS_FILE={}",
                    quote(&secret.path.display().to_string())
                ))
                .into());
        }
        Some(secret) if secret.is_read_by_sccache() => {
            let key = format!("cache.{table}.{}", secret.key);
            settings.push((key, secret.path.display().to_string()));
            None
        }
        Some(secret) => Some(CopiedSecret {
            key: format!("cache.{table}.{}", secret.key),
            value: secret.read()?,
            from: secret.path.display().to_string(),
        }),
    };
    let version = version();
    let _lock = lock_for_edit()?;
    let file = ConfigFile::load()?;
    if copied.is_none() && command.is_none() {
        refuse_without_secret(kind, &file, version.as_ref())?;
    }
    let levels = if args.no_disk {
        Levels::Alone
    } else {
        Levels::DiskFirst(version)
    };
    let secret = match (&copied, command) {
        (Some(copied), _) => Secret::Copied(copied),
        (None, Some(command)) => Secret::Command(command),
        (None, None) => Secret::Unchanged,
    };
    let mut plan = plan::add_remote(&file, table, &settings, &secret, &levels)?;
    let set = env::vars_starting_with("SCCACHE_");
    if let Some(variable) = variables::remote(&set, table) {
        plan.warnings.push(
            Problem::new(format!(
                "{variable} is set in this shell, and replaces [cache.{table}] of the file"
            ))
            .hint("unset it in this shell and where it is defined"),
        );
    }
    plan.next.push("try it: sccfg remote check".to_owned());
    plan.next
        .push("restart the server: sccfg server ensure".to_owned());
    changes::carry_out(&plan, args.output, report)?;
    Ok(Outcome::Done)
}

/// Refuses a command for the secret of a back end that takes none.
fn refuse_command(kind: Kind) -> Result<(), Problem> {
    if takes_command(kind.back_end()) {
        return Ok(());
    }
    let problem = Problem::new(format!("`{}` takes no secret from a command", kind.name()));
    Err(match kind {
        Kind::Gha => problem.hint("GitHub sets the variables of its cache in each job"),
        _ => problem.hint("use --secret-file FILE"),
    })
}

/// Refuses a back end without its credentials if builds would fail: sccache before 0.19 rejects the whole file, or its server
/// does not start.
fn refuse_without_secret(
    kind: Kind,
    file: &ConfigFile,
    version: Option<&Version>,
) -> Result<(), Problem> {
    if kind == Kind::Gha && env::var_os("ACTIONS_RUNTIME_TOKEN").is_none() {
        return Err(Problem::new(
            "the cache of GitHub Actions is available only in its jobs; elsewhere, sccache would not start",
        )
        .hint("sccfg ci github --backend gha"));
    }
    let back_end = kind.back_end();
    let Some(key) = required_key(back_end) else {
        return Ok(());
    };
    let key = format!("cache.{}.{key}", back_end.name);
    let has_secret = file::get(file.text_or_empty(), &file.path, &key)?.is_some();
    if has_secret || version.is_some_and(|version| *version >= Version::new(0, 19, 0)) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "without `{key}`, sccache before 0.19 rejects the whole configuration file, and builds fail"
    ))
    .hint("add --secret-file FILE or --secret-command COMMAND"))
}

/// A line for a shell that sets a variable to the first line that a command prints.
fn export_first_line(variable: &str, command: &str) -> String {
    format!("{variable}=$({{ {command}; }} | head -n 1) && export {variable}\n")
}

fn version() -> Option<Version> {
    let version = sccache().ok()?.version(None)?;
    parse_version(&version)
}

/// The back end in the options, or that of the repository's policy.
fn described(args: &cli::RemoteAdd, start: &Path) -> Result<(Kind, Remote)> {
    if let Some(kind) = args.kind {
        let account = args.account.as_ref();
        let of_account = account.map(|id| format!("https://{id}.r2.cloudflarestorage.com"));
        let remote = Remote {
            backend: Some(kind),
            address: args.address.clone(),
            endpoint: args.endpoint.clone().or(of_account),
            region: args.region.clone(),
            prefix: args.prefix.clone(),
            username: args.username.clone(),
            public: args.public,
        };
        let settings = remote.settings(kind, Access::ReadWrite);
        settings.map_err(Problem::in_arguments)?;
        return Ok((kind, remote));
    }
    let repository = Repository::locate(None, start)?;
    let remote = repository.policy()?.map(|(policy, _)| policy.remote);
    match remote {
        Some(remote) if remote.backend.is_some() => {
            let kind = remote.backend.unwrap_or(Kind::S3);
            Ok((kind, remote))
        }
        _ => Err(Problem::new("no back end is named")
            .hint("sccfg remote add KIND ADDRESS, or write [remote] into sccfg.toml")
            .into()),
    }
}
