package service

// BoundControls sets how many controls the indexes in memory may hold.
func (s *Service) BoundControls(most int) { s.controls.most = most }

// ControlsHeld counts the controls in the indexes in memory.
func (s *Service) ControlsHeld() int {
	s.controls.mu.Lock()
	defer s.controls.mu.Unlock()
	n := 0
	for _, x := range s.controls.kept {
		n += len(x.controls)
	}
	return n
}

// CheckDecision tells all that is wrong with the fields of a decision.
var CheckDecision = checkDecision
