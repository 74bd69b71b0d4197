//! Edits of sccache's config file: growing the disk cache, setting and removing keys. Comments, order
//! and line breaks are kept.

use std::path::{Path, PathBuf};

use toml_edit::{Array, Value};

use super::file::{DIR, Disk, SIZE, known_key, size_of};
use super::keys::{self, Key, Kind};
use super::{check, toml};
use crate::config::path::refuse_json;
use sccfg_util::problem::Problem;
use sccfg_util::secret;
use sccfg_util::size::{ByteSize, CacheSizeError, ParseSizeError};

const INTRODUCTION: &str =
    "# sccache reads this file; `sccfg config` shows, checks and changes it.";

/// The minimum disk cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The directory; `None` keeps that of the file.
    pub dir: Option<PathBuf>,
    /// The directory to write if neither the file nor the request has one: sccache's default.
    pub default_dir: PathBuf,
    /// The minimum size; a larger one in the file is kept.
    pub size: Option<ByteSize>,
    /// The size to write if neither the file nor the request has one.
    pub default_size: ByteSize,
}

/// The result of [`grow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The new text.
    pub text: String,
    /// The disk cache before.
    pub before: Disk,
    /// The disk cache after; both values are set.
    pub after: Disk,
}

/// Creates the config file, or grows its disk cache to what is requested. The size never shrinks, and the
/// directory of the file is kept unless the request has one.
///
/// ```toml
/// [cache.disk]           # before
/// size = "10G" # ten
///
/// [cache.disk]           # after a request of 24 GiB
/// size = 25769803776 # ten
/// dir = "/home/me/.cache/sccache"
/// ```
///
/// # Errors
/// When the file is JSON, when sccache would reject it for another reason than its size, or when the
/// requested directory is relative or not UTF-8.
pub fn grow(text: Option<&str>, path: &Path, request: &Request) -> Result<Grown, Problem> {
    refuse_json(path)?;
    let old = text.unwrap_or_default();
    let document = toml::parse(old, path)?;
    let found_dir = toml::find(document.as_table(), &DIR).and_then(|(_, item)| item.as_str());
    let found_size = toml::find(document.as_table(), &SIZE).map(|(_, item)| item);
    let readable = found_size.and_then(size_of);
    // A size that sccache does not accept, such as `24GiB`, is corrected.
    let intended = found_size
        .and_then(|item| readable.or_else(|| item.as_str().and_then(|text| text.parse().ok())));
    let before = Disk {
        dir: found_dir.map(PathBuf::from),
        size: readable,
    };
    let size = intended.max(request.size).unwrap_or(request.default_size);
    let dir = request.dir.clone().or(before.dir.clone());
    let dir = dir.unwrap_or_else(|| request.default_dir.clone());

    let mut new = if old.trim_start_matches('\u{feff}').trim().is_empty() {
        format!("{INTRODUCTION}\n[cache.disk]\n")
    } else {
        old.to_owned()
    };
    if before.dir.as_ref() != Some(&dir) {
        let value = dir_value(&dir)?;
        new = toml::set(&new, path, &DIR, &value)?;
    }
    if before.size != Some(size) {
        new = toml::set(&new, path, &SIZE, &size_value(size)?)?;
    }
    refuse_result(old, &new, path)?;
    Ok(Grown {
        text: new,
        before,
        after: Disk {
            dir: Some(dir),
            size: Some(size),
        },
    })
}

fn dir_value(dir: &Path) -> Result<Value, Problem> {
    let text = dir.to_str().ok_or_else(|| {
        Problem::new(format!(
            "the cache directory {} is not UTF-8",
            dir.display()
        ))
        .hint("TOML is UTF-8: choose another directory")
    })?;
    absolute(text, "the cache directory").map_err(Problem::in_arguments)?;
    Ok(text.into())
}

fn absolute(path: &str, what: &str) -> Result<(), Problem> {
    if Path::new(path).is_absolute() {
        return Ok(());
    }
    let problem = Problem::new(format!("{what} `{path}` is not an absolute path"));
    Err(problem.hint(if path.starts_with('~') {
        "sccache does not expand `~`: let the shell expand it, or use an absolute path"
    } else {
        "sccache's server runs in `/`: use an absolute path"
    }))
}

fn size_value(size: ByteSize) -> Result<Value, Problem> {
    i64::try_from(size.bytes()).map(Value::from).map_err(|_| {
        Problem::new(format!("the size {size} is too large")).hint(ParseSizeError::HINT)
    })
}

/// Sets keys to values as a user types them: `24GiB` for a size, `disk,redis` for a list. Several keys
/// can be set at once, because a back end without a required key is rejected.
///
/// # Errors
/// When there is no such key, when the value is invalid, or when sccache would reject the result.
pub fn set(text: &str, path: &Path, settings: &[(&str, &str)]) -> Result<String, Problem> {
    refuse_json(path)?;
    let before = text;
    let mut text = before.to_owned();
    for (nth, (name, typed)) in settings.iter().enumerate() {
        let key = match known_key(name) {
            // It may be the rest of a password that contains a blank.
            Err(_) if nth > 0 && keys::nearest(name).is_none() => {
                return Err(Problem::new(format!(
                    "the argument after {nth} pairs of a key and a value is not a key"
                ))
                .hint("quote a value that contains blanks")
                .in_arguments());
            }
            known => known.map_err(Problem::in_arguments)?,
        };
        let value = value_of(name, key.kind, typed).map_err(Problem::in_arguments)?;
        let keys: Vec<&str> = name.split('.').collect();
        if let Some(other) = other_name(&text, path, &keys, key)? {
            return Err(
                Problem::new(format!("`{name}` is set already, as `{other}`"))
                    .hint(format!("set `{other}`, or unset it first")),
            );
        }
        text = match &value {
            Value::Array(items) => toml::set_array(&text, path, &keys, items)?,
            value => toml::set(&text, path, &keys, value)?,
        };
    }
    refuse_result(before, &text, path)?;
    Ok(text)
}

/// Refuses an edit of `before` if sccache would reject the result.
fn refuse_result(before: &str, after: &str, path: &Path) -> Result<(), Problem> {
    let Some(fault) = check::first_fault(after, path) else {
        return Ok(());
    };
    // The place of an error in the result is not one in the user's file.
    let old = check::faults(before, path);
    Err(match old.into_iter().find(|old| old.what == fault.what) {
        Some(old) => Problem {
            what: format!("sccache rejects the file as it is: {}", old.what),
            ..old
        },
        None => Problem {
            what: format!("sccache would reject the result: {}", fault.what),
            place: None,
            hint: fault.hint,
            is_usage: false,
        },
    })
}

/// Removes a key; `None` if it is not set.
///
/// # Errors
/// When there is no such key, or when sccache would reject the result.
pub fn unset(text: &str, path: &Path, name: &str) -> Result<Option<String>, Problem> {
    refuse_json(path)?;
    known_key(name)?;
    let keys: Vec<&str> = name.split('.').collect();
    let Some(rest) = toml::unset(text, path, &keys)? else {
        return Ok(None);
    };
    refuse_result(text, &rest, path)?;
    Ok(Some(rest))
}

/// The alias or name of the key under which the file has it, if that is not `keys`.
fn other_name(
    text: &str,
    path: &Path,
    keys: &[&str],
    key: &Key,
) -> Result<Option<String>, Problem> {
    let (Some(alias), Some((last, tables))) = (key.alias, keys.split_last()) else {
        return Ok(None);
    };
    let other = if *last == alias { key.name } else { alias };
    let other: Vec<&str> = tables.iter().copied().chain([other]).collect();
    let document = toml::parse(text, path)?;
    Ok(toml::find(document.as_table(), &other).map(|_| other.join(".")))
}

fn value_of(name: &str, kind: Kind, typed: &str) -> Result<Value, Problem> {
    let wrong = |hint: String| {
        let what = match typed {
            "" => format!("`{name}` needs a value"),
            _ => format!(
                "invalid value `{}` for `{name}`",
                secret::redact_text(typed)
            ),
        };
        Problem::new(what).hint(hint)
    };
    match kind {
        Kind::Size => {
            let size = ByteSize::parse_for_cache(typed).map_err(|error| match error {
                CacheSizeError::TooSmall(_) => {
                    Problem::new(format!("invalid value for `{name}`: {error}")).hint(error.hint())
                }
                CacheSizeError::NotASize(_) => wrong(error.hint().to_owned()),
            })?;
            size_value(size)
        }
        Kind::Boolean => match typed {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(wrong("write true or false".to_owned())),
        },
        Kind::Integer(largest) => match typed.parse::<i64>() {
            Ok(number) if u64::try_from(number).is_ok_and(|number| number <= largest) => {
                Ok(number.into())
            }
            _ => Err(wrong(format!("write a number from 0 to {largest}"))),
        },
        Kind::Choice(words) if !words.contains(&typed) => Err(wrong(
            match keys::nearest_of(typed, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", words.join(", ")),
            },
        )),
        Kind::Path => {
            absolute(typed, &format!("the path for `{name}`,"))?;
            Ok(typed.into())
        }
        Kind::Text | Kind::SchedulerUrl | Kind::Choice(_) => Ok(typed.into()),
        Kind::Directories | Kind::Levels => {
            let items = typed
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Ok(Value::Array(items.collect::<Array>()))
        }
        Kind::Table(_) | Kind::OpenTable(_) | Kind::Tagged(_) | Kind::TaggedList(_) => Err(
            Problem::new(format!("`{name}` is a table, not a value")).hint(format!(
                "set one of its keys, such as `{name}.{}`",
                first_child(name)
            )),
        ),
    }
}

fn first_child(name: &str) -> &'static str {
    let children = keys::find(name).map(Key::children).unwrap_or_default();
    children.first().map_or("…", |key| key.name)
}

#[cfg(test)]
mod tests;
