"""Every function out of its zip, under AWS's own runtime client and emulator."""
