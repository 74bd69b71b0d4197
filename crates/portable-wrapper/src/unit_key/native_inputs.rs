//! The native libraries and the files for the assembler that sources name, which dep-info does not list.

use super::super::macro_effects;

/// The names in `#[link(name = "…")]`.
pub(super) fn linked_by(source: &str) -> impl Iterator<Item = String> + '_ {
    source.match_indices("link(").filter_map(|(at, _)| {
        let inner = source[at..].split_once('(')?.1.split_once(')')?.0;
        let value = inner.split_once("name")?.1.trim_start().strip_prefix('=')?;
        let (name, _) = value.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(name.to_owned())
    })
}

/// The files that assembler directives in `source` include, which dep-info does not list.
pub(super) fn assembled_by(source: &str) -> impl Iterator<Item = String> + '_ {
    macro_effects::texts(source).into_iter().flat_map(|text| {
        let directives = [".incbin", ".include"].into_iter();
        let all = directives.flat_map(move |directive| text.match_indices(directive));
        all.filter_map(move |(at, directive)| {
            let quoted = text[at + directive.len()..]
                .trim_start_matches([' ', '\t', '\\'])
                .strip_prefix('"')?;
            let (name, _) = quoted.split_once(['"', '\\'])?;
            Some(name.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directive_of_a_string_literal_names_a_file() {
        let source =
            r#"global_asm!(".incbin \"a\"\n.incbin  \"b\"", ".include \"c\"", ".incbin {}");"#;
        let found: Vec<String> = assembled_by(source).collect();
        assert_eq!(found, ["a", "b", "c"]);
    }

    #[test]
    fn libraries_are_named_in_attributes() {
        let source = "#[link(name = \"a\", kind = \"static\")] #[link(kind = \"dylib\", name=\"b\")] extern {}";
        assert_eq!(linked_by(source).collect::<Vec<_>>(), ["a", "b"]);
    }
}
