//! Says where a crate below it is.

fn main() {
    println!("manifest: {}", speaks::MANIFEST);
    println!("fixture: {}", speaks::fixture().trim_end());
    println!("plain: {}", plain::FILE);
}
