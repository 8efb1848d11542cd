// Package health looks after servers through their BMCs: how warm they are, what they draw, which parts are failing, what
// their own logs say. It asks each in turn, for ever, and hands what it sees to the store, which makes history and alarms
// of it; and it switches off locator lights whose time is over.
//
// It knows neither protocols nor passwords: whoever puts it together gives it a BMC. One process does it at a time.
package health
