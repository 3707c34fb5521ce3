package service

// MostControls bounds what indexes of controls hold.
const MostControls = mostControls

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
