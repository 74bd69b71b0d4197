//! Values of variables that cannot be secret, so that records may contain them. The name does not decide: any variable may
//! contain a password.

use super::builds::Change;
use sccfg_util::secret;

/// Variables with settings of the build that cargo and rustc define, besides those with [`PREFIXES`].
const OF_CARGO: [&str; 12] = [
    "CARGO_BIN_NAME",
    "CARGO_BUILD_TARGET",
    "CARGO_CRATE_NAME",
    "CARGO_INCREMENTAL",
    "CARGO_PKG_NAME",
    "CARGO_TERM_COLOR",
    "DEBUG",
    "HOST",
    "OPT_LEVEL",
    "PROFILE",
    "RUST_BACKTRACE",
    "TARGET",
];
const PREFIXES: [&str; 4] = [
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_VERSION",
    "CARGO_PROFILE_",
];
/// Words that are settings.
const WORDS: [&str; 15] = [
    "",
    "debug",
    "dev",
    "development",
    "disabled",
    "enabled",
    "false",
    "no",
    "off",
    "on",
    "production",
    "release",
    "staging",
    "test",
    "true",
];
/// The longest value that is recorded, in bytes.
const LONGEST: usize = 60;

/// The value of the variable in the part `what` of a key, in quotes, if it cannot be secret.
pub(super) fn plain_value(what: &str, value: &[u8]) -> Option<String> {
    let name = Change::variable_of(what)?;
    let value = std::str::from_utf8(value.strip_prefix(b"=").unwrap_or(value)).ok()?;
    let is_of_cargo =
        OF_CARGO.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let is_plain = value.len() <= LONGEST
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.+,:".contains(c))
        && !secret::is_secret_name(name);
    (is_plain && (is_of_cargo || is_setting(value))).then(|| format!("\"{value}\""))
}

/// Whether a value is a boolean, one of [`WORDS`], a small number or a version.
fn is_setting(value: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts = value.split('.');
    WORDS.contains(&value) || value.split('.').count() <= 4 && parts.into_iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_recorded() {
        for (what, value, expected) in [
            ("env!(OPT_LEVEL)", "=3", "\"3\""),
            ("$CARGO_PKG_VERSION", "=1.2.3-rc.1+b", "\"1.2.3-rc.1+b\""),
            ("$CARGO_CFG_TARGET_FEATURE", "fxsr,sse", "\"fxsr,sse\""),
            ("env!(WITH_TLS)", "=true", "\"true\""),
            ("env!(LIMIT)", "=250", "\"250\""),
            ("env!(API)", "=2.11.0", "\"2.11.0\""),
            ("env!(EMPTY)", "=", "\"\""),
        ] {
            let found = plain_value(what, value.as_bytes());
            assert_eq!(found.as_deref(), Some(expected), "{what}");
        }
    }

    #[test]
    fn possible_secrets_are_not_recorded() {
        for (what, value) in [
            ("env!(BUILT_IN)", "=hunter2"),
            ("env!(FLAVOR)", "=sweet"),
            ("env!(PIN)", "=4711"),
            ("env!(SERVICE_TOKEN)", "=1"),
            ("env!(COMMIT)", "=0123abc"),
            ("env!(TARGET)", "=/home/me/target.json"),
            ("$DATABASE_URL", "postgres://me:1@host"),
            ("argument", "=1"),
        ] {
            assert_eq!(plain_value(what, value.as_bytes()), None, "{what}");
        }
        assert_eq!(plain_value("env!(A)", b"=\xff"), None);
    }
}
