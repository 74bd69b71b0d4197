//! Commands whose output is the secret of a back end, in sccfg's settings, `~/.config/sccfg/config.toml`:
//!
//! ```toml
//! [secrets]
//! redis = "secret-tool lookup service sccache"
//! s3 = "aws configure export-credentials --format env"
//! ```
//!
//! sccache reads no secret from a command, so sccfg runs it when it starts a server, and the secret is in no file: the
//! server gets it in its environment. A variable of a back end replaces the whole table of the config file
//! (`config_from_env` in sccache's `config.rs`), so the server gets the other settings of the back end as variables, too.
//! The variables with the keys of S3 are those of AWS, which replace nothing.

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

/// The back ends that take a secret from a command. sccache reads the credentials of Google from a file.
pub fn takes_command(back_end: &BackEnd) -> bool {
    matches!(
        back_end.name,
        "azure" | "memcached" | "redis" | "s3" | "webdav"
    )
}

/// The key for the secret of a command that the back end's table has to have, with any value: before 0.19, sccache rejects a
/// table of Azure without a connection string.
pub fn required_key(back_end: &BackEnd) -> Option<&'static str> {
    (back_end.name == "azure").then_some("connection_string")
}

/// The variables of AWS that the command of S3 prints, one on each line. The last one is only for temporary credentials.
const KEYS_OF_AWS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

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
    variables_for(config, takes_command)
}

/// Those of [`variables`] without which sccache cannot tell where it stores, because the secret has the address as well.
///
/// # Errors
/// As [`variables`].
pub(crate) fn variables_to_open(config: &Path) -> Result<Vec<(OsString, OsString)>, Problem> {
    variables_for(config, |back_end| required_key(back_end).is_some())
}

fn variables_for(
    config: &Path,
    is_wanted: impl Fn(&BackEnd) -> bool,
) -> Result<Vec<(OsString, OsString)>, Problem> {
    let mut variables = Vec::new();
    let commands = Commands::load()?;
    if commands.all.is_empty() {
        return Ok(variables);
    }
    let text = fsio::read(config)?.unwrap_or_default();
    for back_end in BACK_ENDS.iter().filter(|back_end| is_wanted(back_end)) {
        let found = commands.variables_of(back_end, &text, config)?;
        variables.extend(found.into_iter().flat_map(|found| found.variables));
    }
    Ok(variables)
}

/// What a command gives to a server.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) variables: Vec<(OsString, OsString)>,
    /// Whether they replace the table of the config file, of which they have all settings.
    pub(super) replaces_table: bool,
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
        let is_address = [
            "bucket",
            "cluster_endpoints",
            "container",
            "endpoint",
            "url",
        ]
        .contains(key);
        is_address && is_set(variable)
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
) -> Result<Option<Given>, Problem> {
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
    ) -> Result<Option<Given>, Problem> {
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
        if back_end.name == "s3" {
            // Those that the shell has set are more recent.
            if is_set(KEYS_OF_AWS[0]) || is_public(&variables) {
                return Ok(None);
            }
            let variables = self.keys_of_aws(back_end, command)?;
            return Ok(Some(Given {
                variables: as_environment(variables),
                replaces_table: false,
            }));
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
        variables.push((name, self.first_line(back_end, command)?));
        Ok(Some(Given {
            variables: as_environment(variables),
            replaces_table: true,
        }))
    }

    /// The first line that the command prints.
    fn first_line(&self, back_end: &BackEnd, command: &str) -> Result<String, Problem> {
        let text = self.run(back_end, command)?;
        let secret = text.lines().next().unwrap_or_default();
        if secret.is_empty() {
            return Err(self.problem(back_end, "prints nothing in its first line"));
        }
        secret::register(secret, Secrecy::Secret);
        Ok(secret.to_owned())
    }

    /// The credentials that the command prints as lines `NAME=value` or `export NAME=value`.
    fn keys_of_aws(
        &self,
        back_end: &BackEnd,
        command: &str,
    ) -> Result<Vec<(&'static str, String)>, Problem> {
        let text = self.run(back_end, command)?;
        let found = keys_in(&text);
        for (_, value) in &found {
            secret::register(value, Secrecy::Secret);
        }
        for name in &KEYS_OF_AWS[..2] {
            if !found.iter().any(|(found, _)| found == name) {
                let what = format!("prints no line {name}=…");
                return Err(self.problem(back_end, &what).hint(
                    "let it print AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=… on a line each, as \
                     `aws configure export-credentials --format env` does",
                ));
            }
        }
        Ok(found)
    }

    /// What the command prints.
    fn run(&self, back_end: &BackEnd, command: &str) -> Result<String, Problem> {
        let problem = |what: &str| self.problem(back_end, what);
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
        String::from_utf8(output.stdout).map_err(|_| problem("prints something that is not text"))
    }

    /// The error that the secret of `back_end` is not available. `what` is the predicate of a sentence about its command.
    fn problem(&self, back_end: &BackEnd, what: &str) -> Problem {
        let document = toml::parse(&self.text, &self.path).ok();
        let offset = document.and_then(|document| {
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
        .hint(
            "run it in a terminal; unlock the key ring if it is locked, then `sccfg server ensure`",
        )
    }
}

/// Whether sccache reads a bucket without credentials.
fn is_public(settings: &[(&'static str, String)]) -> bool {
    let mut settings = settings.iter();
    settings.any(|(name, value)| *name == "SCCACHE_S3_NO_CREDENTIALS" && value == "true")
}

fn as_environment(variables: Vec<(&'static str, String)>) -> Vec<(OsString, OsString)> {
    let variables = variables.into_iter();
    variables
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// The variables of AWS in lines `NAME=value`, also with `export` in front or the value in quotation marks.
fn keys_in(text: &str) -> Vec<(&'static str, String)> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let name = KEYS_OF_AWS.iter().find(|known| **known == name.trim())?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| (*name, value.to_owned()))
    });
    lines.collect()
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

    #[test]
    fn the_keys_of_s3_are_lines_of_a_shell() {
        for text in [
            "AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=b/c+d=\n",
            "# keys\nexport AWS_ACCESS_KEY_ID='A'\nexport AWS_SECRET_ACCESS_KEY=\"b/c+d=\"\nexport AWS_X=y\n",
        ] {
            let keys = keys_in(text);
            let expected = [
                ("AWS_ACCESS_KEY_ID", "A".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "b/c+d=".to_owned()),
            ];
            assert_eq!(keys, expected, "{text}");
        }
        assert_eq!(keys_in("AWS_SESSION_TOKEN=\nsecret\n"), []);
    }
}
