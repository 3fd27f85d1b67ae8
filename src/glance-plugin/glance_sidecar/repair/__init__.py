"""What puts right what was left half done, by Glance or by this package."""
