//! Secrets in files of the user.

use std::path::Path;

use super::Kind;
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::secret::{self, Secrecy};

/// A secret in a file of the user, such as one of sops-nix or agenix.
#[derive(Debug)]
pub(crate) struct SecretFile<'a> {
    pub(crate) path: &'a Path,
    /// The key of the back end's table that it is for.
    pub(crate) key: &'static str,
    /// The variable that it is for.
    pub(crate) variable: &'static str,
}

impl<'a> SecretFile<'a> {
    /// The file at `path` for a back end of `kind`. With a user name, the secret of `webdav` is a password,
    /// otherwise a token.
    ///
    /// # Errors
    /// If sccache takes no secret of this kind from its config file.
    pub(crate) fn new(kind: Kind, has_username: bool, path: &'a Path) -> Result<Self, Problem> {
        let (key, variable) = match (kind, has_username) {
            (Kind::Redis, _) => ("password", "SCCACHE_REDIS_PASSWORD"),
            (Kind::Memcached, _) => ("password", "SCCACHE_MEMCACHED_PASSWORD"),
            (Kind::WebDav, true) => ("password", "SCCACHE_WEBDAV_PASSWORD"),
            (Kind::WebDav, false) => ("token", "SCCACHE_WEBDAV_TOKEN"),
            (Kind::Azure, _) => ("connection_string", "SCCACHE_AZURE_CONNECTION_STRING"),
            (Kind::Gcs, _) => ("cred_path", "SCCACHE_GCS_KEY_PATH"),
            (Kind::S3 | Kind::R2, _) => ("", "AWS_SHARED_CREDENTIALS_FILE"),
            (Kind::Gha, _) => {
                return Err(Problem::new("`gha` takes no secret")
                    .hint("GitHub sets the variables of its cache in each job"));
            }
        };
        Ok(Self {
            path,
            key,
            variable,
        })
    }

    /// Whether sccache reads the file itself.
    pub(crate) fn is_read_by_sccache(&self) -> bool {
        matches!(self.key, "cred_path" | "")
    }

    /// The secret: the value of its variable if the file has lines `NAME=value`, else the whole text.
    ///
    /// # Errors
    /// If the file cannot be read, or is empty.
    pub(crate) fn read(&self) -> Result<String, Problem> {
        let text = self.text()?;
        self.secret_in(&text)
    }

    fn text(&self) -> Result<String, Problem> {
        fsio::read(self.path)?.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> Problem {
        Problem::new(format!("file not found: {}", self.path.display()))
            .hint("pass the file that contains the password, token or connection string")
    }

    fn secret_in(&self, text: &str) -> Result<String, Problem> {
        let found = self
            .of_variable(text)
            .unwrap_or_else(|| text.trim_end_matches(['\r', '\n']).to_owned());
        secret::register(&found, Secrecy::Secret);
        if found.is_empty() || found.contains('\n') {
            return Err(
                Problem::new(format!("{} has no secret", self.path.display())).hint(format!(
                    "write nothing but the secret into it, or a line {}=…",
                    self.variable
                )),
            );
        }
        Ok(found)
    }

    /// The value in the line of the variable.
    fn of_variable(&self, text: &str) -> Option<String> {
        text.lines().find_map(|line| {
            let line = line.trim().trim_start_matches("export ").trim_start();
            let value = line.strip_prefix(self.variable)?.trim_start();
            let value = value.strip_prefix('=')?.trim();
            Some(value.trim_matches(['"', '\'']).to_owned())
        })
    }

    /// A line for a shell that sets the variable without naming the secret. Of a file of lines `NAME=value`, the shell
    /// takes what [`read`](Self::read) does.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn export(&self) -> Result<String, Problem> {
        let path = quote(&self.path.display().to_string());
        if self.is_read_by_sccache() {
            if !fsio::exists(self.path) {
                return Err(self.missing());
            }
            return Ok(format!("export {}={path}\n", self.variable));
        }
        let text = self.text()?;
        self.secret_in(&text)?;
        let program = if self.of_variable(&text).is_some() {
            let script = format!(
                "/^[[:space:]]*\\(export[[:space:]][[:space:]]*\\)*{}[[:space:]]*=/{{s///;s/^[[:space:]]*//;\
                 s/[[:space:]]*$//;s/^[\"']*//;s/[\"']*$//;p;q;}}",
                self.variable
            );
            // More legible than `quote`.
            format!("sed -n '{}'", script.replace('\'', "'\\''"))
        } else {
            "cat".to_owned()
        };
        Ok(format!(
            "{0}=$({program} {path}) && export {0}\n",
            self.variable
        ))
    }
}
