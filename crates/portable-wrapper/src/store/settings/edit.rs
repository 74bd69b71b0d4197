//! Reading and changing single settings; comments, order and line breaks are kept.

use std::path::Path;

use toml_edit::{Item, Value};

use super::parse;
use sccache_control::config::toml;
use sccfg_util::problem::Problem;
use sccfg_util::size::{ByteSize, CacheSizeError};

/// The names of all settings.
pub const KEYS: [&str; 3] = ["store.enabled", "store.dir", "store.size"];

/// Whether `name` refers to a setting of this file, and not of sccache's.
pub fn is_key(name: &str) -> bool {
    name == "store" || name.starts_with("store.")
}

/// Checks that `name` is a setting.
///
/// # Errors
/// If there is no such setting.
pub fn check_key(name: &str) -> Result<(), Problem> {
    if KEYS.contains(&name) {
        return Ok(());
    }
    let hint = format!("the settings of the local store are {}", KEYS.join(", "));
    Err(Problem::new(format!("there is no setting `{name}`")).hint(hint))
}

/// The value of `name` in `text`, the contents of `path`; `None` if it is not set.
///
/// # Errors
/// If there is no such setting, or the file cannot be parsed.
pub fn get(text: &str, path: &Path, name: &str) -> Result<Option<Item>, Problem> {
    check_key(name)?;
    let document = toml::parse(text, path)?;
    let found = toml::find(document.as_table(), &keys(name));
    Ok(found.map(|(_, item)| item.clone()))
}

/// Where the value of `name` is in `text`, in bytes; `None` if it is not set.
///
/// # Errors
/// If the file cannot be parsed.
pub fn offset(text: &str, path: &Path, name: &str) -> Result<Option<usize>, Problem> {
    let document = toml::parse(text, path)?;
    let found = toml::find(document.as_table(), &keys(name));
    Ok(found.and_then(|(_, item)| Some(item.span()?.start)))
}

/// `text` with the setting `name`, as a user types it.
///
/// # Errors
/// If there is no such setting, if the value is invalid, or if the file has another error.
pub fn set(text: &str, path: &Path, name: &str, typed: &str) -> Result<String, Problem> {
    check_key(name).map_err(Problem::in_arguments)?;
    let wrong = |hint: &str| {
        let what = match typed {
            "" => format!("`{name}` needs a value"),
            _ => format!("invalid value `{typed}` for `{name}`"),
        };
        Problem::new(what).hint(hint.to_owned()).in_arguments()
    };
    let value: Value = match name {
        "store.enabled" => match typed {
            "true" => true.into(),
            "false" => false.into(),
            _ => return Err(wrong("write true or false")),
        },
        "store.dir" if !Path::new(typed).is_absolute() => {
            return Err(wrong("write an absolute path"));
        }
        "store.size" => match ByteSize::parse_for_cache(typed) {
            Ok(_) => typed.into(),
            Err(error @ CacheSizeError::TooSmall(_)) => {
                let what = format!("invalid value for `{name}`: {error}");
                return Err(Problem::new(what).hint(error.hint()).in_arguments());
            }
            Err(error) => return Err(wrong(error.hint())),
        },
        _ => typed.into(),
    };
    let text = toml::set(text, path, &keys(name), &value)?;
    check(&text, path)?;
    Ok(text)
}

/// `text` without the setting `name`; `None` if it is not set.
///
/// # Errors
/// If there is no such setting, or the file cannot be parsed.
pub fn unset(text: &str, path: &Path, name: &str) -> Result<Option<String>, Problem> {
    check_key(name)?;
    toml::unset(text, path, &keys(name))
}

/// Reports the first error of a file.
///
/// # Errors
/// If it cannot be parsed, or has a value that the store cannot use.
pub fn check(text: &str, path: &Path) -> Result<(), Problem> {
    parse(path, text).map(drop)
}

fn keys(name: &str) -> Vec<&str> {
    name.split('.').collect()
}
