package front

// RouteOf is a route as tests see it.
type RouteOf struct {
	Method, Path string
	Scope        Scope
	Shared       bool
}

// Routes are the whole table.
func Routes() []RouteOf {
	all := make([]RouteOf, len(routes))
	for i, r := range routes {
		all[i] = RouteOf{r.method, r.path, r.scope, r.shared}
	}
	return all
}

// Parameters are what the query of a route may hold.
func Parameters(method, path string) []string { return parameters[method+" "+path] }
