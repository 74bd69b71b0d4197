//! The long text of each check, from `docs/doctor.md` and `docs/audit.md`.

const PAGE: &str = include_str!("../../docs/doctor.md");
const OF_AUDIT: &str = include_str!("../../docs/audit.md");

/// The section of a code, with its heading.
pub(crate) fn section(code: &str) -> Option<&'static str> {
    let heading = format!("## {code} ");
    let mut pages = [PAGE, OF_AUDIT].into_iter();
    let rest = pages.find_map(|page| Some(&page[page.find(&heading)?..]))?;
    let end = rest[1..].find("\n## ").map_or(rest.len(), |end| end + 2);
    Some(rest[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CHECKS;

    #[test]
    fn each_check_has_a_section_and_a_row_and_the_page_has_no_others() {
        let headings: Vec<&str> = PAGE
            .lines()
            .filter_map(|line| line.strip_prefix("## S"))
            .collect();
        let expected: Vec<String> = CHECKS
            .iter()
            .map(|check| format!("{} {}", &check.code[1..], check.name))
            .collect();
        assert_eq!(headings, expected);
        for check in CHECKS {
            let section = section(check.code).unwrap();
            assert!(section.lines().count() > 2, "{}", check.code);
            let anchor: String = format!("{} {}", check.code, check.name)
                .to_lowercase()
                .replace(' ', "-")
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == '-')
                .collect();
            let row = format!("| [{}](#{anchor}) |", check.code);
            assert!(PAGE.contains(&row), "no row {row}");
        }
    }

    #[test]
    fn each_check_of_audit_has_a_section() {
        for check in crate::audit::CHECKS {
            let section = section(check.code).unwrap();
            let heading = format!("## {} {}\n", check.code, check.name);
            assert!(section.starts_with(&heading), "{section}");
        }
    }

    #[test]
    fn codes_are_in_order_and_unique() {
        let codes: Vec<&str> = CHECKS.iter().map(|check| check.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }

    #[test]
    fn why_is_one_sentence() {
        for check in CHECKS {
            let why = check.why;
            assert!(!why.ends_with('.') && !why.contains(". "), "{why}");
            assert!(why.chars().count() < 200, "{why}");
        }
    }
}
