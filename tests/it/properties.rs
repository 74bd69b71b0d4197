//! Properties of the editor over random changes of flakes; `scripts/fuzz` runs the same for longer.

use std::path::Path;

use nix_shell_edit::home::{self, Module, import};
use nix_shell_edit::strip;
use proptest::prelude::*;
use sccfg::sccfg_toml::Incremental;

use crate::fuzzing::flakes::{Flake, modules, seeds};
use crate::fuzzing::judge::{Verdict, Wish, judge};
use crate::fuzzing::manual_edits::{self, Step, Tally};
use crate::fuzzing::mutate::{self, Random};

fn step() -> impl Strategy<Value = mutate::Step> {
    (any::<u8>(), any::<u32>(), any::<u32>()).prop_map(|(kind, at, pick)| mutate::Step {
        kind,
        at,
        pick,
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let incremental = prop_oneof![
        Just(Incremental::Off),
        Just(Incremental::Workspace),
        Just(Incremental::Auto)
    ];
    (incremental, any::<bool>(), any::<bool>()).prop_map(|(incremental, plain, has_input)| {
        let wish = if plain {
            Wish::plain(incremental)
        } else {
            Wish::two(incremental)
        };
        if has_input { wish.with_input() } else { wish }
    })
}

/// The seeds as they are, each read by the editor once.
fn known() -> Vec<Flake> {
    let seeds = seeds();
    for flake in &seeds {
        let plain = Wish::plain(Incremental::Off);
        for wish in [plain.clone(), plain.with_input()] {
            judge(flake, &wish).unwrap_or_else(|violation| panic!("{}: {violation}", flake.name));
        }
    }
    seeds
}

#[test]
fn every_property_holds_of_changed_flakes() {
    let seeds = known();
    let cases = (0..seeds.len(), prop::collection::vec(step(), 0..8), wish());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 800,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&cases, |(seed, steps, wish)| {
        let flake = seeds[seed].mutated(&steps);
        judge(&flake, &wish)
            .map(drop)
            .map_err(|violation| TestCaseError::fail(format!("{violation}\n{:#?}", flake.files)))
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Adds an import to a module; whether it could be done.
fn judge_import(module: &Flake) -> Result<bool, TestCaseError> {
    let path = Path::new("flake.nix");
    let whole = Module::file(path);
    let element = "./sccache.nix";
    let Ok(edited) = import(module, &whole, element) else {
        return Ok(false);
    };
    let Some(edited) = edited else {
        return Ok(true);
    };
    let (before, after) = (&module.files[path], &edited.after);
    prop_assert_eq!(before, &edited.before);
    prop_assert_eq!(
        home::strip(path, after),
        home::strip(path, before),
        "{}",
        after
    );
    prop_assert!(rnix::Root::parse(after).errors().is_empty(), "{}", after);
    let count = |text: &str| {
        rnix::Root::parse(text)
            .syntax()
            .descendants()
            .filter(|node| node.kind() == rnix::SyntaxKind::NODE_PATH_REL && node.text() == element)
            .count()
    };
    let stripped = home::strip(path, before).unwrap();
    prop_assert_eq!(count(after), count(&stripped) + 1, "{}", after);
    let again = module.with([(path.to_owned(), after.clone())]);
    prop_assert_eq!(import(&again, &whole, element), Ok(None), "{}", after);
    Ok(true)
}

#[test]
fn every_property_holds_of_changed_modules() {
    let modules = modules();
    assert!(modules.len() > 40, "{}", modules.len());
    let done = std::cell::Cell::new(0);
    let cases = (0..modules.len(), prop::collection::vec(step(), 0..8));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&cases, |(seed, steps)| {
        let edited = judge_import(&modules[seed].mutated(&steps))?;
        done.set(done.get() + u32::from(edited));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(done.get() > 1500, "{} of 4000", done.get());
}

/// To Nix, though not to rnix, a carriage return ends a comment. An edit must not make Nix of what
/// is none to Nix without it: the next run would refuse the file.
#[test]
fn a_comment_with_a_carriage_return_is_not_made_part_of_an_import() {
    let text = "{\r\n  imports = [\r\n    #\ra b:\r\n    # c\r\n  ];\r\n}\r\n";
    let module = Flake::new("a carriage return", text);
    assert!(!judge_import(&module).unwrap());
}

/// Whatever somebody does next to a region: it is kept, or refused with its place. `scripts/fuzz
/// --manual-edits` makes every edit in every case.
#[test]
fn edits_next_to_a_region_are_kept_or_refused() {
    let all = manual_edits::managed(seeds());
    assert!(all.len() > 300, "{}", all.len());
    let mut tally = Tally::default();
    for (index, managed) in all.iter().enumerate() {
        // Each in its turn, so that every kind of edit is made in many cases.
        let seed = index as u64;
        tally.judge(managed, Step { edit: index, seed });
    }
    eprintln!("{tally}");
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    for name in [
        "a comment at the end of the line before",
        "a comment line after",
        "CRLF",
    ] {
        let [kept, refused, ..] = tally.rows[name];
        assert!(kept > 4 * refused, "{name}: kept {kept}, refused {refused}");
    }
}

/// If the changes were so wild that hardly any flake was edited, the properties would say little.
#[test]
fn most_changed_flakes_are_edited() {
    let seeds = known();
    let mut random = Random(7);
    let edited = (0..200)
        .filter(|_| {
            let flake = seeds[random.below(seeds.len())].mutated(&random.steps());
            matches!(
                judge(&flake, &Wish::plain(Incremental::Off)),
                Ok(Verdict::Edited(_))
            )
        })
        .count();
    assert!(edited > 60, "{edited} of 200");
}

/// What a text with markers in random places is made of.
fn scrap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`".to_owned()),
        Just("# >>> sccfg >>>".to_owned()),
        Just("# <<< sccfg <<<".to_owned()),
        Just("# sccfg:was".to_owned()),
        Just("# sccfg:was a = 1;".to_owned()),
        Just("# sccfg:was|\tb".to_owned()),
        Just("# sccfg:was # >>> sccfg >>>".to_owned()),
        Just("# sccfg:inline \" \\n\"".to_owned()),
        Just("# sccfg:inline \"\\n# <<< sccfg <<<\\n\"".to_owned()),
        Just("# sccfg:inline ".to_owned()),
        "[ \t]{1,3}",
        Just("\n".to_owned()),
        Just("\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn markers_in_random_places_are_removed_or_refused(
        scraps in prop::collection::vec(scrap(), 0..24)
    ) {
        let text = scraps.concat();
        let path = Path::new("flake.nix");
        match strip(path, &text) {
            Err(problem) => prop_assert!(problem.hint.is_some() && problem.place.is_some()),
            Ok(once) => {
                prop_assert!(once.matches("# >>> sccfg >>>").count() <= text.matches("# >>> sccfg >>>").count());
                // What a region kept may itself look like one, if somebody wrote it by hand.
                if !text.contains("# sccfg:") {
                    prop_assert_eq!(strip(path, &once), Ok(once.clone()));
                }
            }
        }
    }
}
