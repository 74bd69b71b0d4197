//! How parts of keys are shown: without placeholders and internal names.

/// The label of a part of a key.
pub(crate) fn label(what: &str) -> String {
    match what {
        "crate below" => return "indirect dependency".to_owned(),
        "run of" => return "program of the build script".to_owned(),
        _ => {}
    }
    match what.find(PLACEHOLDER) {
        Some(at) => what[..at].to_owned() + &path(&what[at..]),
        None => what.to_owned(),
    }
}

/// The value of a part of a key.
pub(crate) fn value(value: &str) -> String {
    if value.starts_with(PLACEHOLDER) {
        // The digest of a file may follow its path.
        return match value.split_once(' ') {
            Some((file, digest)) => format!("{}, {digest}", path(file)),
            None => path(value),
        };
    }
    value.to_owned()
}

const PLACEHOLDER: &str = "/sccfg-";

/// A path of a key, without the placeholders of directories.
pub(crate) fn path(path: &str) -> String {
    let named = path.strip_prefix(PLACEHOLDER);
    let Some((name, rest)) = named.and_then(|named| named.split_once('/')) else {
        return path.to_owned();
    };
    // A placeholder is padded with underscores.
    let below = || rest.trim_start_matches('_').trim_start_matches('/');
    match name {
        "workspace" if below().is_empty() => "the workspace".to_owned(),
        "workspace" => below().to_owned(),
        "target" if below().is_empty() => "the target directory".to_owned(),
        "target" => format!("{} in the target directory", below()),
        "registry" => format!("{} in the registry", below()),
        "home" => format!("~/{rest}"),
        "temporary" => format!("$TMPDIR/{rest}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_not_shown() {
        for (part, shown) in [
            ("file crates/a/src/lib.rs", "file crates/a/src/lib.rs"),
            ("file /sccfg-workspace/______/a/b.rs", "file a/b.rs"),
            (
                "libraries in /sccfg-workspace/______/",
                "libraries in the workspace",
            ),
            (
                "file /sccfg-target/____/debug/x.rs",
                "file debug/x.rs in the target directory",
            ),
            (
                "read /sccfg-registry/__/index/a-1.0.0/a.rs",
                "read index/a-1.0.0/a.rs in the registry",
            ),
            ("file /sccfg-home/_a/b", "file ~/_a/b"),
            ("file /sccfg-temporary/a", "file $TMPDIR/a"),
            ("crate below", "indirect dependency"),
        ] {
            assert_eq!(label(part), shown);
        }
        let registry = "/sccfg-registry/__/index/a-1.0.0";
        assert_eq!(value(registry), "index/a-1.0.0 in the registry");
    }
}
