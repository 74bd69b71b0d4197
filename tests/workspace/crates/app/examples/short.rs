//! An example: the first line only.

fn main() {
    println!("{}", app::lines()[0]);
}
