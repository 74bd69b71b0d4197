//! Policy plus what is there → the changes to make.
