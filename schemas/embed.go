// Package schemas holds what the engine and the outside world agree on in
// files: the database's migrations and the JSON Schemas of the OG-EP events.
package schemas

import "embed"

// Migrations are goose migrations, applied in the order of their numbers by
// `starter migrate`. A released migration never changes; a new one is added.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// MigrationsFolder is the folder of [Migrations] that goose reads.
const MigrationsFolder = "migrations"
