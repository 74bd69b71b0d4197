//! `sccfg config`, and its completion of keys.

use clap::Subcommand;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;

use portable_wrapper::store::settings::edit;
use sccache_control::config::file::known_key;
use sccache_control::config::keys;

/// `sccfg config`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print the effective settings and the source of each value
    Show {
        /// Print passwords, tokens and addresses that contain them
        #[arg(long)]
        show_secrets: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the path of the file
    Path {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Report errors and ignored settings; exit with 1 if there are any
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the value of a key in the file; exit with 1 if it is not set
    Get {
        /// Key, such as cache.disk.size
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
        /// Print passwords, tokens and addresses that contain them
        #[arg(long)]
        show_secrets: bool,
        /// Print JSON, with sizes as numbers
        #[arg(long)]
        json: bool,
    },
    /// Set a key of sccache, or of the local store (store.enabled, store.dir, store.size); comments
    /// and order are kept
    #[command(after_help = "\
Examples:
  sccfg config set cache.disk.size 24GiB
  sccfg config set cache.s3.bucket builds cache.s3.region eu-central-1
  sccfg config set store.size 5GiB")]
    Set {
        /// Key, such as cache.disk.size
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
        /// Value, such as 24GiB; separate the items of a list with commas
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// More keys and values, for a table that needs several at once
        #[arg(value_name = "KEY VALUE", allow_hyphen_values = true)]
        more: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a key or a whole table
    Unset {
        /// Key, such as cache.disk.size or cache.redis
        #[arg(value_parser = KeyParser, hide_possible_values = true)]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Accepts the keys that sccache knows and the settings of the local store: completions list them, errors name the nearest one.
#[derive(Debug, Clone)]
struct KeyParser;

impl TypedValueParser for KeyParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        let name = value.to_string_lossy();
        let known = if edit::is_key(&name) {
            edit::check_key(&name)
        } else {
            known_key(&name).map(drop)
        };
        known.map(|()| name.into_owned()).map_err(|problem| {
            let hint = problem.hint.as_deref().unwrap_or_default();
            clap::Error::raw(
                ErrorKind::InvalidValue,
                format!("{}\nhint: {hint}\n", problem.what),
            )
            .with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let of_sccache = keys::names().iter().map(String::as_str);
        let names = of_sccache.chain(edit::KEYS).map(PossibleValue::new);
        Some(Box::new(names))
    }
}
