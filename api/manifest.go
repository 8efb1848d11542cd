package api

// ImportReply tells what an import did, or with dry_run would do.
type ImportReply struct {
	DryRun  bool           `json:"dry_run"`
	Added   []string       `json:"added,omitempty"`
	Changed []string       `json:"changed,omitempty"`
	Same    []string       `json:"same,omitempty"`
	Changes []ImportChange `json:"changes,omitempty" doc:"of those added or changed, in the order of the lines"`
}

// ImportChange is what an import does to one machine.
type ImportChange struct {
	Line    int           `json:"line"`
	Machine string        `json:"machine"`
	Added   bool          `json:"added,omitempty"`
	Fields  []FieldChange `json:"fields"`
}

// FieldChange is a column of the manifest before and after. Of a password it is said only that it is set.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
