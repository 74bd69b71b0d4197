//! Secrets that are known by their values.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::address::segments;
use super::names::is_secret_name;
use super::{HIDDEN, Secrecy};
use crate::env;

/// The minimum length of a registered secret: a shorter value may occur in a text by chance.
const MIN_REGISTERED: usize = 8;

/// The secrets that are known by their values; initially those in the environment.
static REGISTERED: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
    let mut secrets = BTreeSet::new();
    for (name, value) in env::vars_starting_with("") {
        // The current directory, not a password.
        if name == "PWD" {
            continue;
        }
        if is_secret_name(&name) {
            secrets.extend(parts(&value, Secrecy::Secret));
        } else if value.contains("://") {
            secrets.extend(parts(&value, Secrecy::Address));
        }
    }
    Mutex::new(secrets)
});

/// The secret parts of a value that are long enough to register.
fn parts(value: &str, secrecy: Secrecy) -> Vec<String> {
    let parts = match secrecy {
        Secrecy::Public => Vec::new(),
        Secrecy::Secret => vec![value],
        Secrecy::Address => {
            let user_info = value.rsplit_once('@').map(|(user_info, _)| {
                let rest = user_info.split_once("://");
                let user_info = rest.map_or(user_info, |(_, rest)| rest);
                let password = user_info.split_once(':');
                password.map_or(user_info, |(_, password)| password)
            });
            let path = value.split(['?', '#']).next().unwrap_or_default();
            let path = path.split_once("://").map_or(path, |(_, path)| path);
            let tokens = segments(path).filter(|(_, is_secret)| *is_secret);
            let tokens = tokens.map(|(segment, _)| segment);
            user_info.into_iter().chain(tokens).collect()
        }
    };
    let long = parts
        .into_iter()
        .filter(|part| part.len() >= MIN_REGISTERED);
    long.map(str::to_owned).collect()
}

/// Registers the secret parts of `value`: all of the functions above hide them from now on.
pub fn register(value: &str, secrecy: Secrecy) {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    registered.extend(parts(value, secrecy));
}

/// `text` without the registered secrets.
pub(super) fn redact_registered(text: Cow<'_, str>) -> Cow<'_, str> {
    let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = text;
    // Longer ones first: one may be a part of another.
    let mut found: Vec<&String> = registered
        .iter()
        .filter(|secret| text.contains(secret.as_str()))
        .collect();
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in found {
        text = text.replace(secret.as_str(), HIDDEN).into();
    }
    text
}
