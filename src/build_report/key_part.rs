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
    if value.contains(", mode ") || value.starts_with("file of ") {
        return metadata(value);
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

/// The metadata of an observed file. What it does not have is left out.
fn metadata(value: &str) -> String {
    let (value, written) = match value.split_once(", written ") {
        Some((value, written)) => (value, Some(written)),
        None => (value, None),
    };
    let mut shown = Vec::new();
    for part in value.split(", ") {
        let (name, of) = part.split_once(' ').unwrap_or((part, ""));
        let some = of.strip_prefix("Some(").and_then(|of| of.strip_suffix(')'));
        let some = some.map(|of| of.trim_matches('"'));
        match (name, some) {
            ("mode", _) => {
                let mode = u32::from_str_radix(of, 8).unwrap_or_default() & 0o7777;
                if mode != 0 {
                    shown.push(format!("mode {mode:03o}"));
                }
            }
            ("link", Some(target)) => shown.push(format!("link to {target}")),
            ("at", Some(path)) => shown.push(format!("at {path}")),
            ("link" | "at", None) if of == "None" => {}
            ("false", _) => {}
            ("true", _) => shown.push("executable".to_owned()),
            ("file", _) => shown.push(format!("{} bytes", of.trim_start_matches("of "))),
            _ => shown.push(part.to_owned()),
        }
    }
    let seconds = written.and_then(|written| {
        let (_, seconds) = written.split_once("tv_sec: ")?;
        seconds.split(',').next()
    });
    if let Some(seconds) = seconds {
        shown.push(format!("written {seconds} s after 1970"));
    }
    shown.join(", ")
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

    #[test]
    fn metadata_is_shown_without_what_is_missing() {
        for (part, shown) in [
            ("missing, mode 0, link None, at None", "missing"),
            ("directory, mode 40755, link None", "directory, mode 755"),
            (
                "directory, mode 40755, link None, at Some(\"/usr/include\")",
                "directory, mode 755, at /usr/include",
            ),
            (
                "file of 12, true, mode 100755, link Some(\"b\"), at Some(\"/b\"), \
                 written Some(SystemTime { tv_sec: 5, tv_nsec: 6 })",
                "12 bytes, executable, mode 755, link to b, at /b, written 5 s after 1970",
            ),
            ("file of 12, false", "12 bytes"),
            ("set, digest 0123", "set, digest 0123"),
        ] {
            assert_eq!(value(part), shown);
        }
    }
}
