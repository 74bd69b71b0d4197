//! The messages of the TOML parser, in the terms of TOML instead of those of Rust.

/// The first line of the message of an error, for users.
pub fn shown(message: &str) -> String {
    let mut message = message.lines().next().unwrap_or_default().to_owned();
    for (of_parser, shown) in [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("duplicate field", "duplicate key"),
        ("unknown variant", "unknown value"),
        ("wanted string or table", "expected a string"),
        ("expected a sequence", "expected a list"),
        ("expected sequence", "expected a list"),
        ("expected a map", "expected a table"),
    ] {
        message = message.replace(of_parser, shown);
    }
    // The name of a type.
    match message.split_once("expected struct ") {
        Some((before, name)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!("{before}expected a table")
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn names_of_rust_are_not_shown() {
        for (message, text) in [
            (
                "unknown field `a`, expected `b`\nmore",
                "unknown key `a`, expected `b`",
            ),
            (
                "unknown variant `a`, expected `b`",
                "unknown value `a`, expected `b`",
            ),
            ("wanted string or table", "expected a string"),
            (
                "invalid type: integer `3`, expected struct Cargo",
                "invalid type: integer `3`, expected a table",
            ),
            (
                "invalid type: string \"a\", expected a sequence",
                "invalid type: string \"a\", expected a list",
            ),
        ] {
            assert_eq!(shown(message), text);
        }
    }
}
