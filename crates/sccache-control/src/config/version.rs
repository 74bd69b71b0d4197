//! The version of an sccache.

use semver::{BuildMetadata, Prerelease};

pub use semver::Version;

/// The version in the output of `sccache --version`, such as `sccache 0.16.0`. A pre-release
/// counts as its release.
pub fn parse_version(output: &str) -> Option<Version> {
    let version = Version::parse(output.split_whitespace().last()?).ok()?;
    Some(Version {
        pre: Prerelease::EMPTY,
        build: BuildMetadata::EMPTY,
        ..version
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_from_the_output_of_sccache() {
        let parse = |output| parse_version(output).map(|version| version.to_string());
        assert_eq!(parse("sccache 0.16.0\n").as_deref(), Some("0.16.0"));
        assert_eq!(parse("sccache 0.19.1-alpha.0").as_deref(), Some("0.19.1"));
        assert_eq!(parse("sccache 0.19.1+local").as_deref(), Some("0.19.1"));
        assert_eq!(parse("sccache"), None);
        assert_eq!(parse(""), None);
        assert!(parse_version("sccache 0.9.1") < parse_version("sccache 0.16.0"));
    }
}
