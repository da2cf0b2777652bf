//! protocol_maps
