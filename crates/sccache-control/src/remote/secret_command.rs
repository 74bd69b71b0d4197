//! Commands whose output is the secret of a back end, in sccfg's settings, `~/.config/sccfg/config.toml`:
//!
//! ```toml
//! [secrets]
//! redis = "secret-tool lookup service sccache"
//! ```
//!
//! sccache reads no secret from a command, so sccfg runs it when it starts a server, and the secret is in no file: the
//! server gets it in its environment. A variable of a back end replaces the whole table of the config file
//! (`config_from_env` in sccache's `config.rs`), so the server gets the other settings of the back end as variables, too.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{BACK_ENDS, BackEnd, variables_of_table};
use crate::config::toml;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::proc::{Completion, TimedProgram};
use sccfg_util::secret::{self, Secrecy};
use sccfg_util::wrapper_vars::settings_file;
use sccfg_util::{env, fsio};

/// How long a command may take: it may ask for the password of a key ring.
const LIMIT: Duration = Duration::from_secs(30);

/// The table of sccfg's settings.
const TABLE: &str = "secrets";

/// The part of sccfg's settings that is read here.
#[derive(Debug, Default, Deserialize)]
struct Written {
    #[serde(default)]
    secrets: BTreeMap<String, String>,
}

/// The back ends that take a secret from a command. sccache reads the credentials of S3 and Google from files, and
/// before 0.19 no table of Azure without its secret.
pub fn takes_command(back_end: &BackEnd) -> bool {
    matches!(back_end.name, "redis" | "memcached" | "webdav")
}

/// `text`, the contents of the settings at `path`, with `command` for the secret of `back_end`, or without one.
///
/// # Errors
/// If the file cannot be parsed.
pub fn edited(
    text: &str,
    path: &Path,
    back_end: &BackEnd,
    command: Option<&str>,
) -> Result<String, Problem> {
    let keys = [TABLE, back_end.name];
    if let Some(command) = command {
        return toml::set(text, path, &keys, &command.into());
    }
    let Some(without) = toml::unset(text, path, &keys)? else {
        return Ok(text.to_owned());
    };
    let document = toml::parse(&without, path)?;
    let table = toml::find(document.as_table(), &[TABLE]).and_then(|(_, item)| item.as_table());
    if table.is_none_or(|table| !table.is_empty()) {
        return Ok(without);
    }
    let Some(without) = toml::unset(&without, path, &[TABLE])? else {
        return Ok(without);
    };
    // The blank line above the table, if it was the last one.
    Ok(match without.strip_suffix("\n\n") {
        Some(rest) => format!("{rest}\n"),
        None if without.trim().is_empty() => String::new(),
        None => without,
    })
}

/// The variables that give a server the secrets of commands, for the back ends that `config`, sccache's config file, or
/// variables of this process configure. Runs the commands.
///
/// # Errors
/// When a file cannot be parsed, or a command fails or takes too long.
pub(crate) fn variables(config: &Path) -> Result<Vec<(OsString, OsString)>, Problem> {
    let mut variables = Vec::new();
    let commands = Commands::load()?;
    if commands.all.is_empty() {
        return Ok(variables);
    }
    let text = fsio::read(config)?.unwrap_or_default();
    for back_end in BACK_ENDS.iter().filter(|back_end| takes_command(back_end)) {
        let found = commands.variables_of(back_end, &text, config)?;
        variables.extend(found.into_iter().flatten());
    }
    Ok(variables)
}

/// Whether a server with the config file `config` gets a secret from a command, so that sccache cannot start it by itself.
/// Runs nothing.
pub fn is_used(config: &Path) -> bool {
    let Ok(commands) = Commands::load() else {
        return false;
    };
    let text = fsio::read(config).ok().flatten().unwrap_or_default();
    let mut back_ends = BACK_ENDS
        .iter()
        .filter(|back_end| takes_command(back_end) && commands.all.contains_key(back_end.name));
    back_ends.any(|back_end| {
        let variables = variables_of_table(back_end, &text, config);
        is_by_variables(back_end) || variables.is_ok_and(|variables| !variables.is_empty())
    })
}

/// Whether variables of this process configure the back end.
fn is_by_variables(back_end: &BackEnd) -> bool {
    let mut pairs = back_end.variables.iter();
    pairs.any(|(key, variable)| {
        ["endpoint", "cluster_endpoints", "url"].contains(key) && is_set(variable)
    })
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// As [`variables`], for one back end; `None` without a command for it. `text` is the contents of `config`.
///
/// # Errors
/// As [`variables`].
pub(super) fn variables_of(
    back_end: &BackEnd,
    text: &str,
    config: &Path,
) -> Result<Option<Vec<(OsString, OsString)>>, Problem> {
    Commands::load()?.variables_of(back_end, text, config)
}

/// The commands of this user.
struct Commands {
    path: PathBuf,
    text: String,
    all: BTreeMap<String, String>,
}

impl Commands {
    fn load() -> Result<Self, Problem> {
        let Some(path) = settings_file() else {
            return Ok(Self::none());
        };
        let Some(text) = fsio::read(&path)? else {
            return Ok(Self::none());
        };
        let written: Written = toml_edit::de::from_str(&text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Problem::new(format!("could not parse the settings: {}", error.message()))
                .at(Place::at(&path, &text, offset))
                .hint("write a command in quotation marks for each back end in [secrets]")
        })?;
        Ok(Self {
            path,
            text,
            all: written.secrets,
        })
    }

    fn none() -> Self {
        Self {
            path: PathBuf::new(),
            text: String::new(),
            all: BTreeMap::new(),
        }
    }

    fn variables_of(
        &self,
        back_end: &BackEnd,
        text: &str,
        config: &Path,
    ) -> Result<Option<Vec<(OsString, OsString)>>, Problem> {
        let Some(command) = self.all.get(back_end.name) else {
            return Ok(None);
        };
        let by_variables = is_by_variables(back_end);
        let mut variables = if by_variables {
            Vec::new()
        } else {
            variables_of_table(back_end, text, config)?
        };
        if variables.is_empty() && !by_variables {
            return Ok(None);
        }
        let has_username = variables
            .iter()
            .any(|(name, _)| Some(*name) == back_end.variable("username"))
            || back_end.variable("username").is_some_and(is_set);
        let Some(name) = secret_variable(back_end, has_username) else {
            return Ok(None);
        };
        // One that the shell has set is more recent.
        if is_set(name) {
            return Ok(None);
        }
        variables.retain(|(known, _)| *known != name);
        variables.push((name, self.run(back_end, command)?));
        Ok(Some(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        ))
    }

    /// The first line that the command prints.
    fn run(&self, back_end: &BackEnd, command: &str) -> Result<String, Problem> {
        let problem = |what: &str| {
            let offset = toml::parse(&self.text, &self.path)
                .ok()
                .and_then(|document| {
                    let (_, item) = toml::find(document.as_table(), &[TABLE, back_end.name])?;
                    Some(item.span()?.start)
                });
            Problem::new(format!(
                "could not get the secret of {}: its command {what}",
                back_end.title
            ))
            .at(Place::at(
                &self.path,
                &self.text,
                offset.unwrap_or_default(),
            ))
            .hint("run it in a terminal; unlock the key ring if it is locked, then `sccfg server ensure`")
        };
        let program = TimedProgram {
            program: Path::new("/bin/sh"),
            name: "sh",
            args: &["-c", command],
            environment: env::vars_where(|_| true),
            limit: LIMIT,
        };
        let output = match program.run() {
            Err(error) => return Err(problem(&format!("was not run: {error}"))),
            Ok(Completion::TimedOut) => {
                let limit = LIMIT.as_secs();
                return Err(problem(&format!("has not ended after {limit} seconds")));
            }
            Ok(Completion::Exited(output)) => output,
        };
        if !output.status.success() {
            return Err(problem(&format!("failed ({})", output.status)));
        }
        let text = String::from_utf8(output.stdout)
            .map_err(|_| problem("prints something that is not text"))?;
        let secret = text.lines().next().unwrap_or_default();
        if secret.is_empty() {
            return Err(problem("prints nothing in its first line"));
        }
        secret::register(secret, Secrecy::Secret);
        Ok(secret.to_owned())
    }
}

/// The variable for the secret of a back end: of `WebDAV` a password with a user name, else a token.
fn secret_variable(back_end: &BackEnd, has_username: bool) -> Option<&'static str> {
    let secrets = back_end.secrets;
    let found = if has_username {
        secrets.first()
    } else {
        secrets.last()
    };
    found.map(|(_, variable)| *variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::find;

    #[test]
    fn a_command_is_added_and_removed_byte_for_byte() {
        let redis = find("redis").unwrap();
        let path = Path::new("config.toml");
        for text in [
            "",
            "[store] # mine\nenabled = false\n",
            "[secrets]\nwebdav = \"pass show dav\"\n",
        ] {
            let with = edited(text, path, redis, Some("pass show 'a \\ b'")).unwrap();
            let written: Written = toml_edit::de::from_str(&with).unwrap();
            assert_eq!(written.secrets["redis"], "pass show 'a \\ b'");
            assert_eq!(edited(&with, path, redis, None).unwrap(), text);
            assert_eq!(edited(text, path, redis, None).unwrap(), text);
        }
    }

    #[test]
    fn the_secret_of_webdav_is_a_token_unless_there_is_a_user_name() {
        let webdav = find("webdav").unwrap();
        assert_eq!(secret_variable(webdav, false), Some("SCCACHE_WEBDAV_TOKEN"));
        assert_eq!(
            secret_variable(webdav, true),
            Some("SCCACHE_WEBDAV_PASSWORD")
        );
        let redis = find("redis").unwrap();
        assert_eq!(
            secret_variable(redis, false),
            Some("SCCACHE_REDIS_PASSWORD")
        );
    }
}
